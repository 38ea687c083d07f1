"""opentelemetry_logs: records that the application makes by the OpenTelemetry logs API are exported with ours.

Span: none. The global logger provider becomes ours; one that the application sets up itself takes over from it. Only where
OTEL_LOGS_EXPORTER asks for logs.
Source: https://opentelemetry.io/docs/specs/otel/logs/api/; opentelemetry-api (1.21 to 1.45).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, Instrumentation

if TYPE_CHECKING:
    from platform_instrument.core.values import Changes


def _logs(changes: Changes) -> None:
    """Make our logger provider the global one, in such a way that the application may still set its own."""
    from platform_instrument.telemetry.log_api import PROVIDER  # imports the API

    api: Any = sys.modules["opentelemetry._logs._internal"]
    if api._LOGGER_PROVIDER is None:  # noqa: SLF001 - `set_logger_provider` may be called once, and by the application
        changes.replace(api, "_LOGGER_PROVIDER", PROVIDER)


def _sdk(_changes: Changes) -> None:
    """Let code that asks whether a logger provider or a logger is the SDK's find what it looks for in ours."""
    from platform_instrument.telemetry.log_api import Logger, LoggerProvider  # as above

    sdk: Any = sys.modules["opentelemetry.sdk._logs"]
    for theirs, ours in ((sdk.Logger, Logger), (sdk.LoggerProvider, LoggerProvider)):
        theirs.register(ours)


INSTRUMENTATION = Instrumentation(
    name="opentelemetry_logs",
    requires="opentelemetry-api>=1.21,<2",
    patches=(Custom("opentelemetry._logs", _logs), Custom("opentelemetry.sdk._logs", _sdk, optional=True)),
    modules=("opentelemetry._logs",),
    settings=("logs_exporter",),
)
