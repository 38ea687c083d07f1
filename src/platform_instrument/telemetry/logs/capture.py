"""Records of `logging` as ours: rendered once, on the thread that logs; masked later, at the door.

An error that is logged while an exception is handled carries it, though nobody asked for `exc_info`, and marks its span.
Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/; logging/__init__.py `LogRecord`.
"""

from __future__ import annotations

import logging
from os import getpid
from time import time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import ask, guard
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.context import CURRENT, ERROR
from platform_instrument.telemetry.logs.marks import error_of
from platform_instrument.telemetry.logs.parts import (
    FRESH,
    STANDARD,
    bounded,
    carried,
    ids_of,
    scope_of,
    site_of,
    unobserved,
    unobserved_here,
)
from platform_instrument.telemetry.logs.record import LogRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.telemetry.logs.queue import LogQueue
    from platform_instrument.telemetry.span import Span

_USUAL, _LAST = len(FRESH), FRESH[-1]
_PLAIN = frozenset((str, int, float, bool, type(None)))
"""Types whose rendering calls no code of the application's."""
_FLAT = frozenset((bool, float))
_INT64 = 1 << 63
_GET_MESSAGE = logging.LogRecord.getMessage
_RENDERING = "a message of logging"
_LATEST = 1e10
"""Seconds since the epoch that a time may be at most."""
_NOWHERE = (0, 0, 0)

UPSTREAM: list[type] = []
"""Classes of upstream's handlers, which take records to a provider of their own, or to ours."""

ELSEWHERE: list[Callable[[str], bool]] = []
"""Each says of a message whether it is one that another library has handed on, which was taken there."""


def catch(
    logs: LogQueue, logger: logging.Logger, record: logging.LogRecord, left: Callable[[BaseException], Span | None] | None = None
) -> None:
    """Take a record that a logger hands to its handlers, unless one of those is upstream's, or nothing is to be observed.

    `left` returns the span of the request that an exception has ended just now, which servers report outside of it.
    """
    current = CURRENT.get()
    if (current is not None and unobserved_here(current)) or (record.process != _Process.id and _is_foreign(record.process)):
        return
    level = record.levelno
    if type(level) is not int:
        level = level if isinstance(level, int) else 0
    if UPSTREAM and _taken_by_upstream(logger, level):
        return
    if type(record.msg) is dict and "event" in record.msg:
        from platform_instrument.telemetry.logs.events import take_event  # few services have such records

        guard("an event of structlog", take_event, logs, record)
        return
    values = record.__dict__
    own: dict[str, Any] | None = None
    dropped = 0
    message = message_of(record)
    if ELSEWHERE and any(taken(message) for taken in ELSEWHERE):
        return
    if len(values) != _USUAL:
        own, dropped = _extras(values, logs.most_attributes)
    error = error_of(record, level) if record.exc_info or level >= ERROR else None
    if error is not None:
        if current is None and left is not None:
            current = left(error)
        own = carried(error, own, level, current)
    elif record.exc_text or record.stack_info:
        own = {**(own or {}), **_texts(record)}
    now, created = time_ns(), record.created
    made = int(created * 1e9) if type(created) is float and 0 <= created < _LATEST else now
    trace_id, span_id, flags = _NOWHERE if current is None else ids_of(current)
    site = site_of(record.pathname, record.lineno, record.funcName, level, record.levelname)
    logs.put(LogRecord(site, scope_of(record.name), message, own, made, now, trace_id, span_id, flags, dropped))


class _Process:
    """This process, by its number: to ask the system for it costs as much as to make a record."""

    id = getpid()


def _renew() -> None:
    _Process.id = getpid()


around_fork(child=_renew)


def _is_foreign(process: int | None) -> bool:
    """Say whether another process has logged this, and sent it to be printed here: that exports it itself."""
    return process is not None and process != getpid()


def message_of(record: logging.LogRecord) -> str:
    """Return the rendered message; where it cannot be rendered, what was to be."""
    message, arguments = record.msg, record.args
    kind = type(message)
    if kind is str and not arguments:
        rendered = message
    elif kind is str and type(arguments) is tuple and type(record).getMessage is _GET_MESSAGE and _is_plain(arguments):
        try:
            rendered = message % arguments
        except (TypeError, ValueError, OverflowError):
            rendered = ask(_RENDERING, record.getMessage)  # which says so
    else:
        rendered = unobserved(record.getMessage)
    if type(rendered) is not str:
        rendered = message if kind is str else f"<{kind.__qualname__}>"
    return rendered if len(rendered) <= limits.LONGEST else limits.name(rendered)


def _is_plain(values: tuple[Any, ...]) -> bool:
    """Say whether to render these calls no code of the application's."""
    for value in values:  # noqa: SIM110 - `all` and sets cost several times as much
        if type(value) not in _PLAIN:
            return False
    return True


def _extras(values: dict[str, Any], most: int) -> tuple[dict[str, Any] | None, int]:
    """Return what the application has added to a record, typed, and how much of it did not fit."""
    added: dict[str, Any] = {}
    longest, plain, seen = limits.LIMITS.value_length, True, 0
    for name in reversed(values):  # what is added comes last, where `LogRecord` made it
        if name == _LAST:
            break
        seen += 1
        if name not in STANDARD:
            added[name] = value = values[name]
            kind = type(value)
            if not (len(value) <= longest if kind is str else -_INT64 <= value < _INT64 if kind is int else kind in _FLAT):
                plain = False
    if len(values) - seen == _USUAL and plain and len(added) <= most and "" not in added:
        return added or None, 0
    added = {name: value for name, value in values.items() if name not in STANDARD}
    return bounded(added, most) if added else (None, 0)


def _texts(record: logging.LogRecord) -> dict[str, str]:
    """Return the stacks that a record has as texts alone: one that was pickled, and one that `stack_info` asked for."""
    texts = {"exception.stacktrace": record.exc_text, "code.stacktrace": record.stack_info}
    return {key: limits.name(text) for key, text in texts.items() if text}


def _taken_by_upstream(logger: logging.Logger | None, level: int) -> bool:
    """Say whether one of the handlers that a logger's records come to is upstream's, and takes this level."""
    kinds = tuple(UPSTREAM)
    while logger is not None:
        for handler in logger.handlers:  # a generator would cost each line as much as all of this
            if isinstance(handler, kinds) and level >= handler.level:
                return True
        logger = logger.parent if logger.propagate else None
    return False
