"""Upstream's old metric names, made of ours by recording rules, and the page that says how to use them.

Old names and units: what `opentelemetry-instrumentation-*` records by default, and `opentelemetry-exporter-prometheus` calls it.
Source: https://opentelemetry.io/docs/specs/semconv/non-normative/http-migration/.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docs.instruments import declared
from docs.queries import metric_name
from platform_instrument.core.values import HISTOGRAM
from platform_instrument.telemetry.prometheus.names import label_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.core.values import Instrument


@dataclass(frozen=True)
class Renaming:
    """An old metric: its name in Prometheus without suffix, ours, what a number of ours is in its unit, old labels by ours."""

    old: str
    ours: str
    scale: float
    labels: tuple[tuple[str, str], ...]


_SERVER = (
    ("http.request.method", "http_method"),
    ("http.response.status_code", "http_status_code"),
    ("url.scheme", "http_scheme"),
    ("http.route", "http_target"),
    ("network.protocol.version", "http_flavor"),
)
_CLIENT = (
    ("http.request.method", "http_method"),
    ("http.response.status_code", "http_status_code"),
    ("server.address", "net_peer_name"),
    ("server.port", "net_peer_port"),
)
RENAMINGS = (
    Renaming("http_server_duration_milliseconds", "http.server.request.duration", 1_000, _SERVER),
    Renaming("http_server_request_size_bytes", "http.server.request.body.size", 1, _SERVER),
    Renaming("http_server_response_size_bytes", "http.server.response.body.size", 1, _SERVER),
    Renaming("http_client_duration_milliseconds", "http.client.request.duration", 1_000, _CLIENT),
    Renaming(
        "db_client_connections_usage",
        "db.client.connection.count",
        1,
        (("db.client.connection.pool.name", "pool_name"), ("db.client.connection.state", "state")),
    ),
)

_PAGE = """# Coming from upstream's metrics

Generated from the code by `make generate`.

Our metrics have the names of the stable semantic conventions, in seconds and bytes. By default the instrumentations of
`opentelemetry-python-contrib` still record the older ones. With `OTEL_SEMCONV_STABILITY_OPT_IN=http,database` they record
those that are ours too, and nothing on this page is needed.

Dashboards and alerts that ask for the old names go on working with [these recording rules](dashboards/migration.yaml): load
them into Prometheus (`rule_files`), and drop them when the last query has moved. They give the old metrics from the moment on
at which they are loaded, summed over instances, with the labels below (a sum over instances falls when one of them ends, which a
rate takes for a reset: ours are worth moving to); other labels that upstream had (`http_host`,
`net_host_name`, `http_server_name`) say what `job` and `instance` say.

| old metric | ours | |
|---|---|---|
{metrics}
| old label | our attribute | our label |
|---|---|---|
{labels}
What has no rule: `http_server_active_requests`, whose name is the same (of its labels, `http_method` is `http_request_method`).
Where an old query took the raw path from `http_target`, there is none: metrics carry the route.
"""


def rules() -> dict[str, Any]:
    """Return the recording rules, as Prometheus reads them."""
    known = declared()
    found = [rule for renaming in RENAMINGS for rule in _rules(renaming, known[renaming.ours])]
    return {"groups": [{"name": "platform-instrument-migration", "rules": found}]}


def _rules(renaming: Renaming, ours: Instrument) -> Iterator[dict[str, Any]]:
    if ours.kind != HISTOGRAM:
        yield {"record": renaming.old, "expr": _renamed(metric_name(ours), renaming, ours)}
        return
    for suffix, scale in (("_count", 1.0), ("_sum", renaming.scale)):
        query = _renamed(metric_name(ours, suffix), renaming, ours)
        yield {"record": renaming.old + suffix, "expr": query if scale == 1 else f"{scale:g} * {query}"}
    for bound in ours.bounds:
        series = f'{metric_name(ours, "_bucket")}{{le=~"{bound:g}|{float(bound)}"}}'
        yield _bucket(renaming, f"{bound * renaming.scale:g}", _renamed(series, renaming, ours))
    yield _bucket(renaming, "+Inf", _renamed(f'{metric_name(ours, "_bucket")}{{le="+Inf"}}', renaming, ours))


def _bucket(renaming: Renaming, bound: str, query: str) -> dict[str, Any]:
    le = bound if "." in bound or not bound.isdigit() else f"{bound}.0"
    return {"record": f"{renaming.old}_bucket", "labels": {"le": le}, "expr": query}


def _renamed(series: str, renaming: Renaming, ours: Instrument) -> str:
    """Return a query for series with their labels under the old names."""
    keys = {*ours.constant, *ours.varying}
    for key, old in renaming.labels:
        if key not in keys:
            message = f"{ours.name} has no attribute {key}"
            raise KeyError(message)
        series = f'label_replace({series}, "{old}", "$1", "{label_name(key)}", "(.*)")'
    return f"sum by (job, {', '.join(old for _, old in renaming.labels)}) ({series})"


def page() -> str:
    """Return `docs/migration.md`."""
    known = declared()
    metrics = ""
    for one in RENAMINGS:
        unit = "the same unit" if one.scale == 1 else f"{one.scale:,g} times ours"
        metrics += f"| `{one.old}` | `{metric_name(known[one.ours])}` | {unit} |\n"
    pairs = dict.fromkeys((old, key) for one in RENAMINGS for key, old in one.labels)
    labels = "".join(f"| `{old}` | `{key}` | `{label_name(key)}` |\n" for old, key in sorted(pairs))
    return _PAGE.format(metrics=metrics, labels=labels)
