"""logs: what passes a logger's level and filters is exported, with the ids of the current span, whatever the handlers are.

Span: none; an error marks the current one. Taken when `Logger.filter` has let a record pass: of a logger that has no handler
too, and none twice where there are several, or a queue between. A handler that counts the frames up to the caller, as those do
that hand records on to loguru, finds none of ours. Only where OTEL_LOGS_EXPORTER asks for it.
Source: https://opentelemetry.io/docs/specs/otel/logs/; logging/__init__.py `Logger.handle`.
"""

from __future__ import annotations

import sys
from functools import partial
from operator import delitem
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, Instrumentation
from platform_instrument.engine.records import on_record
from platform_instrument.telemetry import pipeline, printed
from platform_instrument.telemetry.logs.record import UNPRINTED

if TYPE_CHECKING:
    from logging import Logger, LogRecord

    from platform_instrument.core.values import Changes


def catch(logger: Any, record: Any, passed: Any) -> None:  # noqa: ANN401 - whether it does, or from Python 3.12 on another record
    """Take the record that a logger is about to hand to its handlers."""
    if passed:
        export(logger, record if passed is True or not hasattr(passed, "levelno") else passed)


def export(logger: Logger, record: LogRecord) -> None:
    """Take a record."""
    if pipeline.PIPELINE is not None and pipeline.PIPELINE.logs is not None:
        from platform_instrument.telemetry.logs import capture  # needs `logging`

        capture.catch(pipeline.PIPELINE.logs, logger, record, printed.span_left_by)


def offer(changes: Changes) -> None:
    """Take what passes the filters, and a record too that is left out where lines are printed."""
    from logging import Logger  # loaded by then

    on_record(changes, Logger, "filter", "logs logging:Logger.filter", catch)
    UNPRINTED["logging"] = export
    changes.on_undo(partial(delitem, UNPRINTED, "logging"))


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
        Custom("logging", offer),
        _upstream("opentelemetry.sdk._logs"),
        _upstream("opentelemetry.instrumentation.logging.handler"),
    ),
    modules=("logging",),
    settings=("logs_exporter",),
)
