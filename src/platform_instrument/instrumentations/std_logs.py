"""logs: what passes a logger's level and filters is exported, with the ids of the current span, whatever the handlers are.

Span: none; an error marks the current one. Taken at `Logger.callHandlers`: records of a logger that has no handler too, and
none twice where there are several, or a queue between. Only where OTEL_LOGS_EXPORTER asks for it.
Source: https://opentelemetry.io/docs/specs/otel/logs/; logging/__init__.py `Logger.handle`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.telemetry import pipeline, printed

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes


def catch(call: Call) -> None:
    """Take the record that a logger hands to its handlers."""
    if pipeline.PIPELINE is not None and pipeline.PIPELINE.logs is not None:
        from platform_instrument.telemetry.logs import capture  # needs `logging`

        capture.catch(pipeline.PIPELINE.logs, call.instance, call.argument(1, "record"), printed.span_left_by)


def _upstream(module: str) -> Custom:
    """Leave to upstream's handler what it takes."""

    def note(changes: Changes) -> None:
        from platform_instrument.telemetry.logs.capture import UPSTREAM  # as above

        kind = getattr(sys.modules[module], "LoggingHandler", None)
        if isinstance(kind, type) and kind not in UPSTREAM:
            UPSTREAM.append(kind)
            changes.on_undo(lambda: UPSTREAM.remove(kind))

    return Custom(module, note, optional=True)


INSTRUMENTATION = Instrumentation(
    name="logs",
    requires="python>=3.10,<3.16",
    patches=(
        EditCall("logging:Logger.callHandlers", catch),
        _upstream("opentelemetry.sdk._logs"),
        _upstream("opentelemetry.instrumentation.logging.handler"),
    ),
    modules=("logging",),
    settings=("logs_exporter",),
)
