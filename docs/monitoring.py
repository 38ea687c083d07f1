"""Which dashboards there are: `docs/dashboards/*.json`, written by `make generate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.instruments import declared
from docs.panels import Dashboard, Panel, Row
from docs.queries import RANGE, Queries, metric_name

if TYPE_CHECKING:
    from platform_instrument.core.values import Instrument

_METRICS = declared()
_JOB = ("job", f"label_values({metric_name(_METRICS['http.server.request.duration'], '_count')}, job)")
_RUNTIME_JOB = ("job", f"label_values({metric_name(_METRICS['process.cpu.time'])}, job)")
_DATABASE_JOB = ("job", f"label_values({metric_name(_METRICS['db.client.operation.duration'], '_count')}, job)")
_CLIENT_JOB = ("job", f"label_values({metric_name(_METRICS['http.client.request.duration'], '_count')}, job)")

_SHOWN = Queries('job=~"$job"', RANGE)
FAILED = 'error_type!=""'


def _of(name: str) -> Instrument:
    return _METRICS[name]


def _quantiles(name: str, *by: str) -> tuple[tuple[str, str], ...]:
    """Return median, 95th and 99th percentile."""
    legend = " ".join([f"{{{{{key.replace('.', '_')}}}}}" for key in by])
    return tuple((_SHOWN.quantile(share, _of(name), *by), f"p{share * 100:.0f} {legend}".strip()) for share in (0.5, 0.95, 0.99))


def _line(query: str, *by: str) -> tuple[tuple[str, str], ...]:
    return ((query, " ".join([f"{{{{{key.replace('.', '_')}}}}}" for key in by]) or "all"),)


def _rate(title: str, name: str, by: str, *, unit: str = "ops") -> Panel:
    return Panel(title, unit, _line(_SHOWN.rate(_of(name), by), by))


def _level(title: str, name: str, *by: str, unit: str = "short") -> Panel:
    return Panel(title, unit, _line(_SHOWN.level(_of(name), *by), *by))


def _bytes(title: str, name: str, by: str) -> Panel:
    return Panel(title, "Bps", _line(_SHOWN.volume(_of(name), by), by))


def service() -> Dashboard:
    """Return the overview of a service: rate, errors, duration, sizes; dots lead to traces."""
    requests, route = _of("http.server.request.duration"), "http.route"
    return Dashboard(
        "service",
        "Service overview",
        "Requests that a service answers: how many, how many in vain, how long. A dot is a request; it leads to its trace.",
        (
            Row(
                "Requests",
                (
                    Panel("Requests by route", "reqps", _line(_SHOWN.rate(requests, route), route), stacked=True),
                    Panel(
                        "Share that failed",
                        "percentunit",
                        _line(_SHOWN.share(requests, FAILED, route), route),
                        "Answers of 500 and above, and exceptions.",
                    ),
                    _level("Requests in progress", "http.server.active_requests", "job"),
                ),
            ),
            Row(
                "Duration",
                (
                    Panel("All routes", "s", _quantiles("http.server.request.duration"), exemplars=True),
                    Panel("95th percentile by route", "s", _line(_SHOWN.quantile(0.95, requests, route), route), exemplars=True),
                ),
            ),
            Row(
                "Answers",
                (
                    Panel(
                        "By status",
                        "reqps",
                        _line(_SHOWN.rate(requests, "http.response.status_code"), "http.response.status_code"),
                        stacked=True,
                    ),
                    _bytes("Bytes received", "http.server.request.body.size", route),
                    _bytes("Bytes sent", "http.server.response.body.size", route),
                ),
            ),
        ),
        (_JOB,),
    )


def runtime() -> Dashboard:
    """Return how the interpreter and its process are."""
    return Dashboard(
        "runtime",
        "Python runtime",
        "Processor, memory, garbage, event loops, of all processes of a service together.",
        (
            Row(
                "Process",
                (
                    Panel(
                        "Processor", "short", _line(_SHOWN.rate(_of("process.cpu.time"), "cpu.mode"), "cpu.mode"), "Cores in use."
                    ),
                    _level("Memory", "process.memory.usage", "job", unit="bytes"),
                    _level("Threads", "process.thread.count", "job"),
                    _level("Open files", "process.open_file_descriptor.count", "job"),
                ),
            ),
            Row(
                "Interpreter",
                (
                    Panel(
                        "Pauses of the garbage collector",
                        "s",
                        _quantiles("platform.cpython.gc.pause.duration", "cpython.gc.generation"),
                        "How long all threads stood still, by generation.",
                    ),
                    _rate("Collections", "cpython.gc.collections", "cpython.gc.generation"),
                    Panel(
                        "Lag of event loops",
                        "s",
                        _quantiles("platform.asyncio.loop.lag"),
                        "How much later than asked a callback runs: something else keeps the loop.",
                    ),
                ),
            ),
            Row(
                "Work that waits",
                (
                    _level("Tasks of event loops", "platform.asyncio.task.count", "job"),
                    Panel(
                        "Queues of thread pools",
                        "short",
                        _line(
                            _SHOWN.level(_of("platform.thread_pool.queue.size"), "platform.thread_pool.kind"),
                            "platform.thread_pool.kind",
                        ),
                    ),
                    Panel(
                        "Context switches",
                        "ops",
                        _line(
                            _SHOWN.rate(_of("process.context_switches"), "process.context_switch.type"),
                            "process.context_switch.type",
                        ),
                    ),
                ),
            ),
        ),
        (_RUNTIME_JOB,),
    )


def database() -> Dashboard:
    """Return what a service asks of its databases, and how its pools are."""
    operations, rows = _of("db.client.operation.duration"), _of("db.client.response.returned_rows")
    summary = "db.query.summary"
    pool, state = "db.client.connection.pool.name", "db.client.connection.state"
    dependency = "platform.dependency.name"
    return Dashboard(
        "database",
        "Databases and pools",
        "Queries by their summary, Redis by its commands; connections and what waits for them.",
        (
            Row(
                "Operations",
                (
                    Panel("Operations by system", "ops", _line(_SHOWN.rate(operations, "db.system.name"), "db.system.name")),
                    Panel(
                        "Share that failed",
                        "percentunit",
                        _line(_SHOWN.share(operations, FAILED, "db.system.name"), "db.system.name"),
                    ),
                    Panel("Duration", "s", _quantiles("db.client.operation.duration", "db.system.name"), exemplars=True),
                ),
            ),
            Row(
                "Where the time goes",
                (
                    Panel(
                        "By query",
                        "s",
                        _line(f"topk(10, {_SHOWN.volume(operations, summary)})", summary),
                        "Seconds a second: how many queries of a kind are in progress on average.",
                    ),
                    Panel(
                        "By command",
                        "s",
                        _line(f"topk(10, {_SHOWN.volume(operations, 'db.operation.name')})", "db.operation.name"),
                    ),
                    Panel(
                        "Rows returned", "short", _line(f"topk(10, {_SHOWN.mean(rows, 'db.query.summary')})", "db.query.summary")
                    ),
                ),
            ),
            Row(
                "Pools",
                (
                    Panel(
                        "Connections", "short", _line(_SHOWN.level(_of("db.client.connection.count"), pool, state), pool, state)
                    ),
                    Panel(
                        "Requests that wait",
                        "short",
                        _line(_SHOWN.level(_of("db.client.connection.pending_requests"), pool), pool),
                    ),
                    Panel(
                        "Up",
                        "short",
                        _line(_SHOWN.least(_of("platform.dependency.up"), dependency), dependency),
                        "1 while what the service depends on answers its checks, 0 while not; with probes.",
                    ),
                    Panel("Time waited", "s", _quantiles("db.client.connection.wait_time", pool)),
                    _rate("Timeouts", "db.client.connection.timeouts", pool),
                ),
            ),
            Row(
                "Caches",
                (
                    Panel(
                        "Hits and misses",
                        "ops",
                        _line(_SHOWN.rate(_of("platform.cache.lookups"), "cache.result"), "cache.result"),
                        stacked=True,
                    ),
                    Panel(
                        "Share of hits",
                        "percentunit",
                        _line(_SHOWN.share(_of("platform.cache.lookups"), 'cache_result="hit"')),
                    ),
                ),
            ),
        ),
        (_DATABASE_JOB,),
    )


def clients() -> Dashboard:
    """Return what a service asks of others."""
    requests, address = _of("http.client.request.duration"), "server.address"
    return Dashboard(
        "clients",
        "HTTP clients",
        "Requests that a service makes of others.",
        (
            Row(
                "Requests",
                (
                    Panel("Requests by host", "reqps", _line(_SHOWN.rate(requests, address), address), stacked=True),
                    Panel("Share that failed", "percentunit", _line(_SHOWN.share(requests, FAILED, address), address)),
                ),
            ),
            Row(
                "Duration and size",
                (
                    Panel("Duration", "s", _quantiles("http.client.request.duration", address), exemplars=True),
                    _bytes("Bytes sent", "http.client.request.body.size", address),
                    _bytes("Bytes received", "http.client.response.body.size", address),
                ),
            ),
        ),
        (_CLIENT_JOB,),
    )


def dashboards() -> tuple[Dashboard, ...]:
    """Return all dashboards."""
    return service(), runtime(), database(), clients()
