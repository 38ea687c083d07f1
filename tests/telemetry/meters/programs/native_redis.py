"""Commands to Redis with the metrics that redis-py counts by itself switched on."""

import sys

import redis
from redis.observability.config import MetricGroup, OTelConfig
from redis.observability.providers import get_observability_instance

everything = list(MetricGroup)
get_observability_instance().init(OTelConfig(metric_groups=everything))
client = redis.Redis.from_url(sys.argv[1])
client.set("key", "value")
client.get("key")
get_observability_instance().shutdown()
