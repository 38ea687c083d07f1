"""loguru: what at least one sink takes is exported as a record, once, with the ids of the current span.

Span: none; an error marks the current one. What a handler of the standard library hands on to loguru, or a sink to the
standard library, was said once. Only where OTEL_LOGS_EXPORTER asks for it.
Source: loguru/_handler.py `Handler.emit`, loguru/_simple_sinks.py (0.6 to 0.7).
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from functools import partial
from operator import delitem
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.engine.during import during
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.logs.record import UNPRINTED

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_EMITTED: ContextVar[list[Any] | None] = ContextVar("platform_instrument_loguru_emitted", default=None)
"""The record that a sink's message is being made of; empty once it is made."""
_TAKEN: ContextVar[tuple[object, ...]] = ContextVar("platform_instrument_loguru_taken", default=())
"""The `elapsed` of the latest records taken here, by which sinks know that another one had the record before."""
_WRITTEN: ContextVar[Any] = ContextVar("platform_instrument_loguru_written", default=None)
"""The message that a sink is writing."""
_SINKS = ("StandardSink", "CallableSink", "AsyncSink", "StreamSink")
_NEAR = 24
"""Frames between a handler of the standard library and the message that loguru makes of its record."""


def take(_call: Call) -> None:
    """Take the record of which the first sink's message is made."""
    emitted = _EMITTED.get()
    if emitted:
        export(emitted.pop())


def export(record: dict[str, Any]) -> None:
    """Take a record, unless it was taken before."""
    if pipeline.PIPELINE is None or pipeline.PIPELINE.logs is None:
        return
    elapsed, taken = record["elapsed"], _TAKEN.get()
    if any(each is elapsed for each in taken):
        return
    _TAKEN.set((*taken[-3:], elapsed))
    if _handed_on(record["message"]):
        return
    from platform_instrument.telemetry.logs.foreign import Said, take  # needs `logging`

    level, exception = record["level"], record["exception"]
    said = Said(level.no, level.name, record["message"], record["extra"])
    said.logger, said.made_ns = record["name"] or "", int(record["time"].timestamp() * 1e9)
    said.path, said.line, said.function = record["file"].path, record["line"], record["function"]
    said.error = exception.value if exception else None
    take(pipeline.PIPELINE.logs, said)


def _handed_on(message: str) -> bool:
    """Say whether a handler of the standard library says this, in the words of the record that it handles."""
    import logging  # which loguru has loaded

    codes = (logging.Handler.handle.__code__, logging.Logger.callHandlers.__code__)
    frame = sys._getframe(1)  # noqa: SLF001 - as the standard library itself looks for callers
    for _ in range(_NEAR):
        if frame.f_code in codes:
            told: Any = frame.f_locals.get("record")
            return str(getattr(told, "msg", "")).partition("%")[0] in message
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False


def cover_sinks(changes: Changes) -> None:
    """Know which message a sink is writing, and say so where the standard library's records are taken."""
    from platform_instrument.telemetry.logs.capture import ELSEWHERE  # as above

    sinks = sys.modules["loguru._simple_sinks"]
    for name in _SINKS:
        during(changes, getattr(sinks, name), "write", _WRITTEN, lambda _sink, message, *_: message)
    ELSEWHERE.append(_is_written)
    changes.on_undo(partial(ELSEWHERE.remove, _is_written))


def cover_emissions(changes: Changes) -> None:
    """Know which record a message is made of; take one too that is left out where lines are printed."""
    UNPRINTED["loguru"] = export
    changes.on_undo(partial(delitem, UNPRINTED, "loguru"))
    during(changes, sys.modules["loguru._handler"].Handler, "emit", _EMITTED, lambda _handler, record, *_: [record])


def _is_written(text: str) -> bool:
    """Say whether a text is what a sink was given, which hands it on."""
    message = _WRITTEN.get()
    return message is not None and text.strip() in (str(message).strip(), message.record["message"].strip())


INSTRUMENTATION = Instrumentation(
    name="loguru_logs",
    requires="loguru>=0.6,<0.8",
    patches=(
        Custom("loguru._simple_sinks", cover_sinks, optional=True),
        Custom("loguru._handler", cover_emissions),
        EditCall("loguru._handler:Message.__new__", take),
    ),
    modules=("loguru",),
    settings=("logs_exporter",),
)
