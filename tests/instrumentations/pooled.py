"""What the tests of connection pools share: the metrics of pools and caches, read as a collector would."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing import received

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "db.client.connection."
STATES = {"count", "pending_requests", "max", "idle.max", "idle.min"}
TIMES = {"create_time", "wait_time", "use_time"}
KINDS = {
    **dict.fromkeys(("count", "max", "idle.max", "idle.min"), ("sum", False, "{connection}")),
    "pending_requests": ("sum", False, "{request}"),
    "timeouts": ("sum", True, "{timeout}"),
    **dict.fromkeys(TIMES, ("histogram", False, "s")),
}
"""Kind, whether it only grows, and unit, by the conventions."""


def points() -> list[received.Point]:
    """Return all data points of pools, and see that each is what the conventions say."""
    found = [point for point in received.points(MetricEncoder({}).encode(METRICS)) if point.name.startswith(PREFIX)]
    for point in found:
        assert (point.kind, point.monotonic, point.unit) == KINDS[point.name.removeprefix(PREFIX)]
        states = {"db.client.connection.state"} if point.name.endswith(".count") else set()
        assert set(point.attributes) == {"db.client.connection.pool.name"} | states
    return found


def pools() -> dict[str, dict[str, Any]]:
    """Return what is known of each pool: `used`, `idle`, the other states by name, times as `count`, `sum` and `most`."""
    read: dict[str, dict[str, Any]] = {}
    for point in points():
        pool = read.setdefault(point.attributes["db.client.connection.pool.name"], {})
        name = str(point.attributes.get("db.client.connection.state", point.name.removeprefix(PREFIX)))
        pool[name] = (
            point.value if name not in TIMES else SimpleNamespace(count=point.count, sum=point.sum, most=point.most, point=point)
        )
    return read


def pool() -> dict[str, Any]:
    """Return what is known of the only pool."""
    ((_, only),) = pools().items()
    return only


def state(*names: str) -> tuple[Any, ...]:
    """Return some numbers of the only pool: used, idle and pending where none is named."""
    only = pool()
    return tuple(only.get(name) for name in names or ("used", "idle", "pending_requests"))


def alive() -> set[str]:
    """Return the names of the pools that are told of as they are now."""
    return {str(point.attributes["db.client.connection.pool.name"]) for point in points() if point.name.endswith(".count")}


SERVER = {"db.system.name", "db.namespace", "server.address", "server.port"}


def lookups(known: set[str] = SERVER) -> tuple[int, int, int, int]:
    """Return hits, misses, and count and sum of the sizes, of all servers, of which `known` is told."""
    hits = misses = count = total = 0
    for point in received.points(MetricEncoder({}).encode(METRICS)):
        if point.name == "platform.cache.item.size":
            assert (point.kind, point.unit, set(point.attributes) >= known) == ("histogram", "By", True)
            count, total = count + point.count, total + int(point.sum)
        elif point.name == "platform.cache.lookups":
            assert (point.kind, point.monotonic, point.unit) == ("sum", True, "{lookup}")
            assert SERVER | {"cache.result"} >= set(point.attributes) >= known | {"cache.result"}
            hits += int(point.value or 0) if point.attributes["cache.result"] == "hit" else 0
            misses += int(point.value or 0) if point.attributes["cache.result"] == "miss" else 0
    return hits, misses, count, total


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that another thread brings about."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.005)
