"""A program that uses the OpenTelemetry API as its documentation shows, and a database inside."""

import sqlite3
import sys

from opentelemetry import baggage, context, propagate, trace

tracer = trace.get_tracer("shop", "1.0")
connection = sqlite3.connect(":memory:")
token = context.attach(propagate.extract({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"}))
with tracer.start_as_current_span("order", kind=trace.SpanKind.CONSUMER, attributes={"order.id": 7}) as span:
    context.attach(baggage.set_baggage("tenant", "eu"))
    connection.execute("SELECT 1")
    carrier = {}
    propagate.inject(carrier)
    sys.stdout.write(f"{carrier['traceparent']} {carrier['baggage']}\n")
context.detach(token)
