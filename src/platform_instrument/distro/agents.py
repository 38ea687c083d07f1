"""Who else observes this program: agents of other vendors, upstream's instrumentors, providers set up in code."""

from __future__ import annotations

import sys

from platform_instrument.instrumentations._index import TRIGGERS

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

_UPSTREAM = "opentelemetry.instrumentation."
_INFRASTRUCTURE = frozenset(
    ("auto_instrumentation", "bootstrap", "dependencies", "distro", "environment_variables", "instrumentor", "package",
     "propagators", "sqlcommenter_utils", "utils", "version"),
)  # fmt: skip


def active() -> list[str]:
    """Return the agents and the instrumentors of upstream's that are loaded in this process."""
    agents = [name for name, module in AGENTS.items() if module in sys.modules]
    return agents + [f"opentelemetry-instrumentation-{name}" for name in instrumentors()]


def instrumentors() -> list[str]:
    """Return the instrumentors of upstream's that are loaded in this process, by their last name."""
    names = (name[len(_UPSTREAM) :] for name in tuple(sys.modules) if name.startswith(_UPSTREAM))
    return sorted({name for name in names if "." not in name and not name.startswith("_")} - _INFRASTRUCTURE)


def owned(name: str) -> bool:
    """Say whether an instrumentor of this name observes what one of ours does; `asgi` and `wsgi` are in our servers."""
    library = name.lower().replace("-", "_").removesuffix("_client")
    ours = {known for entries in TRIGGERS.values() for known, _ in entries}
    return library in ours or library in {"asgi", "wsgi"}


def foreign_provider() -> str:
    """Return the class of a tracer provider that the application set up; empty where there is none."""
    trace = sys.modules.get("opentelemetry.trace")
    provider = getattr(trace, "_TRACER_PROVIDER", None)
    kind = type(provider)
    if provider is None or kind.__module__.startswith("platform_instrument."):
        return ""
    return f"{kind.__module__}.{kind.__qualname__}"
