"""A service under another agent, named by its first variable: a query, a call to itself, a line, and a failure."""

import logging
import os
import sys

AGENT = os.environ.get("AGENT", "")
SINK = os.environ.get("SINK", "127.0.0.1:9")
if AGENT == "ddtrace":
    import ddtrace.auto  # noqa: F401 - the import is what starts it
elif AGENT == "newrelic":
    import newrelic.agent

    newrelic.agent.initialize()

import requests  # noqa: E402 - the agent comes first
import sqlalchemy  # noqa: E402 - the agent comes first
from flask import Flask  # noqa: E402 - the agent comes first

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s: %(message)s")
if AGENT == "sentry-sdk":
    import sentry_sdk

    sentry_sdk.init(dsn=f"http://key@{SINK}/1", traces_sample_rate=1.0, shutdown_timeout=0)

engine = sqlalchemy.create_engine("sqlite://")
app = Flask(__name__)
if AGENT == "elastic-apm":
    from elasticapm.contrib.flask import ElasticAPM

    ElasticAPM(app, server_url=f"http://{SINK}", service_name="shop", api_request_time="100ms")
if AGENT == "own provider":
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    trace.set_tracer_provider(TracerProvider())
    trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=100))
if AGENT in {"opentelemetry-instrumentation", "own provider"}:
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    FlaskInstrumentor().instrument_app(app)
    RequestsInstrumentor().instrument()
    SQLAlchemyInstrumentor().instrument(engine=engine)


def query() -> str:
    with engine.connect() as connection:
        return str(connection.execute(sqlalchemy.text("SELECT 7")).scalar())


@app.get("/leaf/<name>")
def leaf(name: str) -> str:
    return name


@app.get("/")
def index() -> str:
    answer = query() + requests.get(f"http://127.0.0.1:{os.environ['PORT']}/leaf/ada", timeout=10).text
    logging.getLogger("shop").info("worked")
    return answer


@app.get("/fails")
def fails() -> str:
    raise ValueError(AGENT)


if __name__ == "__main__":
    print(query())  # noqa: T201 - it is a program
