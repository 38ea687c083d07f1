"""What structlog hands to its renderer, as records have it: the event is the body, what was bound are attributes.

Source: structlog/_base.py `_process_event`, structlog/stdlib.py `ProcessorFormatter.wrap_for_formatter` (22.1 to 26.1).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.logs.foreign import Said, take
from platform_instrument.telemetry.logs.parts import STANDARD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from logging import LogRecord

    from platform_instrument.telemetry.logs.queue import LogQueue

_TOLD = frozenset(("event", "level", "logger", "timestamp", "exc_info", "_record", "_from_structlog"))
"""Members that the record itself says, and those that are structlog's own."""
_OWN = frozenset(("_logger", "_name"))
"""What structlog tells its formatter beside the event."""
_STACKS = {"exception": "exception.stacktrace", "stack": "code.stacktrace"}
"""Texts that processors made of an exception and of the stack."""


def tapped(bound: Any, tap: Callable[[Any, str, Any], Any]) -> Any:  # noqa: ANN401 - structlog's BoundLoggerBase
    """Return the logger with one processor more before its last, for one call."""
    copy = object.__new__(type(bound))
    copy.__dict__.update(bound.__dict__)
    processors = tuple(bound._processors)  # noqa: SLF001 - no public name
    copy._processors = [*processors[:-1], tap, *processors[-1:]]
    return copy


def values_of(event: Mapping[str, Any], error: BaseException | None) -> dict[str, Any]:
    """Return what is said beside the event itself; the text of an exception only where that is not there any more."""
    values = {key: value for key, value in event.items() if key not in _TOLD}
    for name, attribute in _STACKS.items():
        if name in values and not (name == "exception" and error is not None):
            values[attribute] = values[name]
        values.pop(name, None)
    return values


def error_of(told: Any) -> BaseException | None:  # noqa: ANN401 - what the application passes as `exc_info`
    """Return the exception of an event: given as such, as the triple of `sys.exc_info()`, or as a word that there is one."""
    if isinstance(told, BaseException):
        return told
    if isinstance(told, tuple):
        return next((part for part in told if isinstance(part, BaseException)), None)
    return sys.exc_info()[1] if told else None


def take_event(logs: LogQueue, record: LogRecord) -> None:
    """Take a record of `logging` that an event was put into for a formatter."""
    event: Any = record.msg
    error = error_of(event.get("exc_info")) or error_of(record.exc_info)
    extras = {key: value for key, value in record.__dict__.items() if key not in STANDARD and key not in _OWN}
    said = Said(record.levelno, record.levelname, event["event"], {**extras, **values_of(event, error)})
    said.logger, said.error, said.made_ns = record.name, error, int(record.created * 1e9)
    said.path, said.line, said.function = record.pathname, record.lineno, record.funcName
    take(logs, said)
