"""An application that adds a span processor to the global tracer provider; it prints what the processor is told."""

import sqlite3
import sys
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor


class Printer(SpanProcessor):
    def on_start(self, span: Span, parent_context: Any = None) -> None:  # noqa: ARG002 - the SDK's signature
        sys.stdout.write(f"starts {span.name}\n")
        sys.stdout.flush()

    def on_end(self, span: ReadableSpan) -> None:
        sys.stdout.write(f"ended {span.name}\n")
        sys.stdout.flush()


trace.get_tracer_provider().add_span_processor(Printer())  # type: ignore[attr-defined] # the SDK's and ours
tracer = trace.get_tracer("service")


async def asgi(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise NotImplementedError
    with tracer.start_as_current_span(f"work for {scope['path']}"):
        sqlite3.connect(":memory:").execute("SELECT 1")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
