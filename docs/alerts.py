"""Which alert rules there are: `docs/dashboards/alerts.yaml`, written by `make generate`."""

from __future__ import annotations

from typing import Any

from docs.instruments import declared
from docs.monitoring import FAILED
from docs.queries import Queries

_RULES = Queries("", "5m")


def alerts() -> dict[str, Any]:
    """Return the alert rules, as Prometheus reads them."""
    known = declared()
    requests, operations = known["http.server.request.duration"], known["db.client.operation.duration"]
    waiting, timeouts = known["db.client.connection.pending_requests"], known["db.client.connection.timeouts"]
    rules = [
        _alert(
            "RequestsFail",
            f"{_RULES.share(requests, FAILED, 'job')} > 0.05 and {_RULES.rate(requests, 'job')} > 0.1",
            "10m",
            "More than 5 % of the requests that {{ $labels.job }} answers fail.",
        ),
        _alert(
            "RequestsAreSlow",
            f"{_RULES.quantile(0.95, requests, 'job', 'http.route')} > 2 and {_RULES.rate(requests, 'job', 'http.route')} > 0.1",
            "10m",
            "{{ $labels.http_route }} of {{ $labels.job }} takes more than 2 s for one request in twenty.",
        ),
        _alert(
            "DatabaseOperationsFail",
            f"{_RULES.share(operations, FAILED, 'job', 'db.system.name')} > 0.05",
            "10m",
            "More than 5 % of what {{ $labels.job }} asks of {{ $labels.db_system_name }} fails.",
        ),
        _alert(
            "ConnectionPoolIsExhausted",
            f"{_RULES.level(waiting, 'job', 'db.client.connection.pool.name')} > 0",
            "5m",
            "Requests of {{ $labels.job }} wait for a connection of the pool {{ $labels.db_client_connection_pool_name }}.",
        ),
        _alert(
            "ConnectionsTimeOut",
            f"{_RULES.rate(timeouts, 'job', 'db.client.connection.pool.name')} > 0",
            "5m",
            "Requests of {{ $labels.job }} wait in vain for a connection of {{ $labels.db_client_connection_pool_name }}.",
        ),
    ]
    depends = "platform.dependency.name"
    rules.append(
        _alert(
            "DependencyIsDown",
            f"{_RULES.least(known['platform.dependency.up'], 'job', depends)} == 0",
            "2m",
            "{{ $labels.platform_dependency_name }} does not answer the checks of {{ $labels.job }}.",
        )
    )
    lag, files = known["platform.asyncio.loop.lag"], known["process.open_file_descriptor.count"]
    limit = known["platform.process.open_file_descriptor.limit"]
    rules += [
        _alert(
            "EventLoopIsBlocked",
            f"{_RULES.quantile(0.99, lag, 'job')} > 0.5",
            "10m",
            "Something keeps the event loops of {{ $labels.job }} for more than half a second.",
        ),
        _alert(
            "FilesRunOut",
            f"{_RULES.level(files, 'job', 'instance')} > 0.8 * {_RULES.level(limit, 'job', 'instance')}",
            "10m",
            "{{ $labels.job }} has more than 80 % of the files open that one of its processes may open.",
        ),
    ]
    return {"groups": [{"name": "platform-instrument", "rules": rules}]}


def _alert(name: str, query: str, lasting: str, summary: str) -> dict[str, Any]:
    return {"alert": name, "expr": query, "for": lasting, "labels": {"severity": "warning"}, "annotations": {"summary": summary}}
