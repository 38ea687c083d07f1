"""What a scrape of 2 000 histograms costs, by `platform_instrument` and by upstream's exporter: prints ms of each as JSON.

Ours has an exemplar in each bucket that was hit in the rows that say so; upstream's exporter has none.
"""

import gc
import json
import marshal
from collections.abc import Callable
from random import Random
from time import process_time_ns

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from work import BOUNDS

from platform_instrument.core.values import HISTOGRAM, Instrument
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.metrics.registry import Metrics
from platform_instrument.telemetry.prometheus.merge import merge
from platform_instrument.telemetry.prometheus.page import page
from platform_instrument.telemetry.prometheus.snapshot import snapshot

SERIES, MEASUREMENTS, WORKERS, ROUNDS = 2_000, 20, 4, 9
NAME, ABOUT = "http.server.request.duration", "Duration of HTTP server requests."
RESOURCE = {"service.name": "bench"}
DURATION = Instrument(NAME, ABOUT, kind=HISTOGRAM, bounds=BOUNDS)
SAMPLED = Ambient(1 << 100, 1 << 50, 1)


def attributes(number: int) -> dict[str, str | int]:
    """Return those of one series, as the semantic conventions have them."""
    known: dict[str, str | int] = {"http.request.method": "GET", "http.route": f"/plants/{number}", "url.scheme": "https"}
    return known | {"network.protocol.version": "1.1", "http.response.status_code": 200}


def ours(current: Ambient | None) -> Metrics:
    """Return metrics in our cells."""
    metrics, random = Metrics(), Random(1)  # noqa: S311 - no secret
    for number in range(SERIES):
        cell = metrics.metric(DURATION).cell(tuple(attributes(number).items()))
        for _ in range(MEASUREMENTS):
            cell.measure(random.expovariate(5), current)
    return metrics


def theirs() -> CollectorRegistry:
    """Return the registry of upstream's exporter with the same measurements."""
    registry, random = CollectorRegistry(), Random(1)  # noqa: S311 - no secret
    provider = MeterProvider([PrometheusMetricReader(registry=registry)], resource=Resource(RESOURCE), shutdown_on_exit=False)
    histogram = provider.get_meter("bench").create_histogram(NAME, "s", ABOUT, explicit_bucket_boundaries_advisory=BOUNDS)
    for number in range(SERIES):
        for _ in range(MEASUREMENTS):
            histogram.record(random.expovariate(5), attributes(number))
    return registry


def alone(metrics: Metrics, *, openmetrics: bool) -> bytes:
    """Scrape one process."""
    return page(snapshot(metrics) or [], openmetrics=openmetrics, resource=RESOURCE)


def together(metrics: Metrics, others: list[bytes], *, openmetrics: bool) -> bytes:
    """Scrape a process that answers for others too, whose state it reads from shared memory, as its own."""
    states = [marshal.dumps(snapshot(metrics), 4), *others]
    parts = [(marshal.loads(state), True, "") for state in states]  # noqa: S302 - our own
    return page(merge(parts, by_instance=False), openmetrics=openmetrics, resource=RESOURCE)


def in_turn(*works: Callable[[], object]) -> list[float]:
    """Return the least ms of CPU of each over the rounds."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for place, work in enumerate(works):
            gc.collect()
            before = process_time_ns()
            work()
            best[place] = min(best[place], (process_time_ns() - before) / 1e6)
    return best


upstream, plain = theirs(), ours(None)
others = [marshal.dumps(snapshot(plain), 4)] * (WORKERS - 1)
assert alone(plain, openmetrics=False).count(b"_bucket{") == SERIES * (len(BOUNDS) + 1)
assert generate_latest(upstream).count(b"_bucket{") == SERIES * (len(BOUNDS) + 1)
one, many, text = in_turn(
    lambda: alone(plain, openmetrics=False),
    lambda: together(plain, others, openmetrics=False),
    lambda: generate_latest(upstream),
)
sampled = ours(SAMPLED)
others = [marshal.dumps(snapshot(sampled), 4)] * (WORKERS - 1)
assert alone(sampled, openmetrics=True).count(b" # {trace_id=") > 5 * SERIES
one_sampled, many_sampled, openmetrics = in_turn(
    lambda: alone(sampled, openmetrics=True),
    lambda: together(sampled, others, openmetrics=True),
    lambda: generate_openmetrics(upstream),
)
print(
    json.dumps(
        {
            "one": [one, text],
            "many": [many, text],
            "one sampled": [one_sampled, openmetrics],
            "many sampled": [many_sampled, openmetrics],
        }
    )
)
