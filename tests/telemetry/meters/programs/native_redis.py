"""Commands to Redis with the metrics that redis-py counts by itself switched on.

The second word says which meter provider the program sets up: none, one without a reader, or one with a reader of its own, whose
metrics are printed.
"""

import sys

import redis
from opentelemetry import metrics
from redis.observability.config import MetricGroup, OTelConfig
from redis.observability.providers import get_observability_instance

reader = None
if sys.argv[2:]:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader() if sys.argv[2] == "reader" else None
    metrics.set_meter_provider(MeterProvider([reader] if reader else []))
everything = list(MetricGroup)
get_observability_instance().init(OTelConfig(metric_groups=everything))
client = redis.Redis.from_url(sys.argv[1])
client.set("key", "value")
client.get("key")
if reader:
    for group in reader.get_metrics_data().resource_metrics:
        for scoped in group.scope_metrics:
            sys.stdout.writelines(f"{metric.name} {scoped.scope.name}\n" for metric in scoped.metrics)
get_observability_instance().shutdown()
