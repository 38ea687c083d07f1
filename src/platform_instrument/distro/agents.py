"""Who else observes this program: agents of other vendors, upstream's instrumentors, providers set up in code."""

from __future__ import annotations

import sys

from platform_instrument.instrumentations._index import TRIGGERS

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable

AGENTS = {
    "appdynamics": "appdynamics",
    "aws-opentelemetry-distro": "amazon.opentelemetry.distro",
    "azure-monitor-opentelemetry": "azure.monitor.opentelemetry",
    "ddtrace": "ddtrace",
    "elastic-apm": "elasticapm",
    "elastic-opentelemetry": "elasticotel",
    "instana": "instana",
    "logfire": "logfire",
    "newrelic": "newrelic",
    "opentelemetry-distro": "opentelemetry.distro",
    "scout-apm": "scout_apm",
    "sentry-sdk": "sentry_sdk",
    "splunk-opentelemetry": "splunk_otel",
}
"""Distribution to the module that is loaded where it is at work."""

INSTRUMENTOR = "opentelemetry-instrumentation-"
"""With what the distributions of upstream's instrumentors begin."""
_UPSTREAM = "opentelemetry.instrumentation."
_INFRASTRUCTURE = frozenset(
    ("auto_instrumentation", "bootstrap", "dbapi", "dependencies", "distro", "environment_variables", "instrumentor", "package",
     "propagators", "sqlcommenter_utils", "utils", "version"),
)  # fmt: skip


def active() -> list[str]:
    """Return the agents and the instrumentors of upstream's that are loaded in this process."""
    agents = [name for name, module in AGENTS.items() if module in sys.modules]
    return agents + [f"{INSTRUMENTOR}{name}" for name in instrumentors()]


def instrumentors() -> list[str]:
    """Return the instrumentors of upstream's that are loaded in this process, as their distributions call them."""
    modules = (name[len(_UPSTREAM) :] for name in tuple(sys.modules) if name.startswith(_UPSTREAM))
    names = {name for name in modules if "." not in name and not name.startswith("_")} - _INFRASTRUCTURE
    return sorted(name.replace("_", "-") for name in names)


def deferred() -> dict[str, int]:
    """Return how many spans of each instrumentor of upstream's gave way to ours, by the same names."""
    deferring = sys.modules.get("platform_instrument.telemetry.deferring")
    counts: dict[str, int] = deferring.DEFERRED if deferring is not None else {}
    return {name.replace("_", "-"): count for name, count in tuple(counts.items())}


def owned(name: str, patched: Iterable[str] | None = None) -> bool:
    """Say whether an instrumentor of this name observes what one of ours does: of all, or of those that are `patched`.

    What `asgi` and `wsgi` observe is in our servers.
    """
    library = name.lower().replace("-", "_")
    known = (name for entries in TRIGGERS.values() for name, _ in entries) if patched is None else patched
    return not {library, library.removesuffix("_client")}.isdisjoint({"asgi", "wsgi", *known})


def foreign_provider() -> str:
    """Return the class of a tracer provider that the application set up; empty where there is none."""
    trace = sys.modules.get("opentelemetry.trace")
    provider = getattr(trace, "_TRACER_PROVIDER", None)
    kind = type(provider)
    if provider is None or kind.__module__.startswith("platform_instrument."):
        return ""
    return f"{kind.__module__}.{kind.__qualname__}"
