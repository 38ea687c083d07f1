"""What the tests of checks share: a process that checks, with health and checks of its own, as if it had just begun."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import json
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from platform_instrument.engine import apply, imports
from platform_instrument.engine.health import HEALTH
from platform_instrument.runtime import beginning, leaving
from platform_instrument.runtime.health import dependencies, gauge, registration
from platform_instrument.runtime.health.checker import CHECKER
from platform_instrument.runtime.health.preparation import _Preparation, prepare
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing import received, recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from platform_instrument.engine.health import Check

LIBRARIES = ("redis", "redis_checks", "sqlalchemy", "sqlalchemy_checks", "psycopg_pool", "psycopg_pool_checks", "asyncpg",
             "asyncpg_checks", "psycopg")  # fmt: skip
LISTENERS: tuple[list[Any], ...] = (
    HEALTH.on_change,
    METRICS.observers,
    registration.ON_ADDED,
    beginning.ON_SERVING,
    leaving.AT_THE_END,
)
"""What a preparation adds to."""

QUICK = {
    "PLATFORM_PROBES": "true",
    "PLATFORM_READINESS_INTERVAL": "0.1",
    "PLATFORM_READINESS_TIMEOUT": "0.3",
    "PLATFORM_READINESS_FAILURES": "1",
    "PLATFORM_READINESS_SUCCESSES": "1",
}


@contextlib.contextmanager
def checking(environ: Mapping[str, str] | None = None, *names: str, serve: bool = True) -> Iterator[recorder.Recorder]:
    """Check in this process, and instrument our modules of these names; with `serve` the application is loaded already."""
    gc.collect()
    imports.install()
    applied = []
    before = [(listeners, listeners.copy()) for listeners in LISTENERS]
    with recorder.recording({**QUICK, **(environ or {})}) as running:
        _forget()
        assert pipeline.PIPELINE is not None
        prepare(pipeline.PIPELINE.settings)
        if serve:
            HEALTH.load()
        try:
            for name in names:
                instrumentation = import_module(f"platform_instrument.instrumentations.{name}").INSTRUMENTATION
                for module in instrumentation.modules:
                    import_module(module)
                applied.append(apply.install(instrumentation))
            assert [each.status for each in applied] == ["patched"] * len(names), [each.reason for each in applied]
            yield running
        finally:
            CHECKER.stop()
            for each in reversed(applied):
                apply.uninstall(each.name)
            _forget()
            for listeners, were in before:
                listeners[:] = were


def _forget() -> None:
    """Let everything begin anew, as in a fork child of a process that has no checks."""
    for listeners in (HEALTH.on_change, registration.ON_ADDED):
        listeners.clear()
    registration.REGISTERED.clear()
    dependencies._clients.clear()
    dependencies._dependencies.clear()
    gauge._shown.clear()
    _Preparation.done = False
    CHECKER.checks.clear()
    CHECKER.on_settled.clear()
    dependencies.MATCHED.clear()
    CHECKER.after_fork_in_child()
    HEALTH.renew()


def checks() -> dict[str, Check]:
    """Return what is known of each check."""
    return {check.name: check for check in HEALTH.snapshot().checks}


def states() -> dict[str, str]:
    """Return the state of each check."""
    return {name: check.state for name, check in checks().items()}


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait for something that the checker brings about, and return it."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, HEALTH.snapshot()
        time.sleep(0.005)
    return found


async def until_soon(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait for something on an event loop."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, HEALTH.snapshot()
        await asyncio.sleep(0.005)


def probe(port: int) -> tuple[int, dict[str, str], float]:
    """Return what `/readyz` of another process says at a port of its own: status, the states, seconds; 0 where nobody answers."""
    began = time.perf_counter()
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        link.request("GET", "/readyz?verbose")
        answer = link.getresponse()
        body = json.loads(answer.read())
    except OSError:
        return 0, {}, 0.0
    finally:
        link.close()
    return answer.status, {check["name"]: check["state"] for check in body["checks"]}, time.perf_counter() - began


def exported() -> dict[tuple[str, str], float]:
    """Return `platform.dependency.up` as a collector would get it, by name and type."""
    return {
        (str(point.attributes["platform.dependency.name"]), str(point.attributes["platform.dependency.type"])): point.value or 0
        for point in received.points(MetricEncoder({}).encode(METRICS))
        if point.name == "platform.dependency.up"
    }


def counted() -> dict[str, float]:
    """Return how often each metric of databases and pools was counted."""
    found: dict[str, float] = {}
    for point in received.points(MetricEncoder({}).encode(METRICS)):
        if point.name.startswith("db.client") and (point.kind == "histogram" or point.monotonic):
            found[point.name] = found.get(point.name, 0) + (point.count or point.value or 0)
    return {name: count for name, count in found.items() if count}
