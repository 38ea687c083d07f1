"""Applications of FastAPI and Starlette that send their own telemetry by providers of their own, beside others that name none."""

import sys
import threading
import time
import urllib.request

import uvicorn
from fastapi import FastAPI
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.opentelemetry import OpenTelemetryMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
tracers, meters = TracerProvider(), MeterProvider(metric_readers=[reader])
tracers.add_span_processor(SimpleSpanProcessor(exporter))


async def item(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("item")


def fastapi(**own: object) -> FastAPI:
    app = FastAPI(telemetry=own) if own else FastAPI()
    app.get("/items/{number}")(lambda number: number)
    return app


def starlette(**own: object) -> Starlette:
    return Starlette(routes=[Route("/items/{number}", item)], middleware=[Middleware(OpenTelemetryMiddleware, **own)])


APPLICATIONS = {
    "fastapi": fastapi(),
    "fastapi-spans": fastapi(tracer_provider=tracers),
    "fastapi-metrics": fastapi(meter_provider=meters),
    "starlette": starlette(),
    "starlette-spans": starlette(tracer_provider=tracers),
}
app = Starlette(routes=[Mount(f"/{name}", each) for name, each in APPLICATIONS.items()])
server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
for name in APPLICATIONS:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}/items/1") as response:
        sys.stdout.write(f"{name} {response.status}\n")
server.should_exit = True
thread.join()
for span in exporter.get_finished_spans():
    sys.stdout.write(f"{span.instrumentation_scope.name} {span.name} {span.kind.name}\n")
data = reader.get_metrics_data()
for metrics in data.resource_metrics[0].scope_metrics:
    for metric in metrics.metrics:
        sys.stdout.write(f"{metrics.scope.name} {metric.name} {len(metric.data.data_points)}\n")
