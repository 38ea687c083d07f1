"""structlog: events of loggers that are not the standard library's are exported as records, with the ids of the current span.

Span: none; an error marks the current one. Taken where the chain of processors has made a line, as the last of them was
given it: what a processor hides or drops is hidden and dropped here too. Only where OTEL_LOGS_EXPORTER asks for it.
Source: structlog/_base.py `BoundLoggerBase._process_event`, structlog/_frames.py (22.1 to 26.1).
"""

from __future__ import annotations

import sys
from functools import partial
from operator import delitem
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.logs.record import UNPRINTED

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes
    from platform_instrument.telemetry.logs.foreign import Said

_LEVELS = {
    "debug": 10, "info": 20, "msg": 20, "warning": 30, "warn": 30, "error": 40, "err": 40, "failure": 40, "exception": 40,
    "critical": 50, "fatal": 50,
}  # fmt: skip


class _Tap:
    """A processor that keeps what the last one is given, as it was."""

    __slots__ = ("event",)

    def __init__(self) -> None:
        self.event: dict[str, Any] = {}

    def __call__(self, _logger: object, _name: str, event: Any) -> Any:  # noqa: ANN401 - a mapping, mostly
        if isinstance(event, dict):
            self.event = dict.copy(event)
        return event


def listen(call: Call) -> None:
    """Put a tap before the last processor, of this call alone."""
    bound = call.instance
    if pipeline.PIPELINE is None or pipeline.PIPELINE.logs is None or _is_taken_elsewhere(bound._logger):  # noqa: SLF001
        return
    from platform_instrument.telemetry.logs.events import tapped  # needs `logging`, which structlog has loaded

    call.args = (tapped(bound, _Tap()), *call.args[1:])


def catch(call: Call, made: Any) -> None:  # noqa: ANN401 - the arguments of the logger's method
    """Take the event of which a line was made."""
    tap = next((each for each in call.instance._processors[-2:] if type(each) is _Tap), None)  # noqa: SLF001 - as above
    if tap is not None:
        export(call, tap.event, made)


def export(call: Call, event: dict[str, Any], made: Any = ((),)) -> None:  # noqa: ANN401 - as above
    """Take an event."""
    if pipeline.PIPELINE is not None and pipeline.PIPELINE.logs is not None:
        from platform_instrument.telemetry.logs import foreign  # as above

        foreign.take(pipeline.PIPELINE.logs, _said(call, event, made))


def offer(changes: Changes) -> None:
    """Take an event too that is left out where lines are printed."""
    UNPRINTED["structlog"] = export
    changes.on_undo(partial(delitem, UNPRINTED, "structlog"))


def _is_taken_elsewhere(logger: object) -> bool:
    """Say whether a logger of the standard library takes the line, or loguru's."""
    return hasattr(logger, "handlers") or type(logger).__module__.partition(".")[0] == "loguru"


def _said(call: Call, event: dict[str, Any], made: Any) -> Said:  # noqa: ANN401 - as above
    from platform_instrument.telemetry.logs.events import error_of, values_of  # as above
    from platform_instrument.telemetry.logs.foreign import Said

    given = call.argument(3, "event_kw")
    error = error_of((given or {}).get("exc_info") or event.get("exc_info"))
    level = str(event.get("level", call.argument(1, "method_name")))
    body = event["event"] if "event" in event else made[0][0] if made[0] else ""
    said = Said(_LEVELS.get(level.lower(), 0), level.upper(), body, values_of(event, error))
    said.error, said.template = error, body if isinstance(body, str) else None
    found = guard("caller of structlog", sys.modules["structlog._frames"]._find_first_app_frame_and_name, ["platform_instrument"])  # noqa: SLF001
    if found is not None:
        frame, name = found
        said.path, said.line, said.function = frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        said.logger = event.get("logger") or name
    return said


INSTRUMENTATION = Instrumentation(
    name="structlog_logs",
    requires="structlog>=22.1,<27",
    patches=(
        Custom("structlog._base", offer),
        EditResult("structlog._base:BoundLoggerBase._process_event", catch),
        EditCall("structlog._base:BoundLoggerBase._process_event", listen),
    ),
    modules=("structlog",),
    settings=("logs_exporter",),
)
