"""Commands to Redis inside a span of the API; says whether the client's own observability is asleep."""

import sys

import redis
from opentelemetry import trace
from redis.observability.providers import get_observability_instance

with trace.get_tracer("shop").start_as_current_span("app"):
    client = redis.Redis.from_url(sys.argv[1])
    client.set("key", "value")
    client.get("key")
sys.stdout.write("awake\n" if get_observability_instance().is_enabled() else "asleep\n")
