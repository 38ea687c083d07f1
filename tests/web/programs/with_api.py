"""FastAPI in a service that uses the OpenTelemetry API itself."""

from fastapi import FastAPI
from opentelemetry import trace

app = FastAPI()
tracer = trace.get_tracer("service")


@app.get("/items/{item}")
async def item(item: int) -> int:
    with tracer.start_as_current_span("own work"):
        return item
