"""Records of `logging` as ours: rendered once, on the thread that logs; masked later, at the door.

An error that is logged while an exception is handled carries it, though nobody asked for `exc_info`, and marks its span.
Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/; logging/__init__.py `LogRecord`.
"""

from __future__ import annotations

from itertools import islice
from os import getpid
from time import time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import ask, guard
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.context import CURRENT
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
    import logging
    from collections.abc import Callable

    from platform_instrument.telemetry.logs.queue import LogQueue
    from platform_instrument.telemetry.span import Span

_USUAL, _LAST = len(FRESH), FRESH[-1]
_PLAIN = frozenset((str, int, float, bool, type(None)))
"""Types whose rendering calls no code of the application's."""
_FLAT = frozenset((bool, float))
_TEXTS = frozenset((str,))
_INT64 = 1 << 63

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
    if unobserved_here(current) or (record.process is not None and record.process != getpid()):
        return  # what another process has logged, and sent to be printed here, it exports itself
    if UPSTREAM and _taken_by_upstream(logger, record.levelno):
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
    error = error_of(record)
    if error is not None:
        if current is None and left is not None:
            current = left(error)
        own = carried(error, own, record.levelno, current)
    elif record.exc_text or record.stack_info:
        own = {**(own or {}), **_texts(record)}
    site = site_of(record.pathname, record.lineno, record.funcName, record.levelno, record.levelname)
    scope, made = scope_of(record.name), int(record.created * 1e9)
    logs.put(LogRecord(site, scope, message, own, made, time_ns(), *ids_of(current), dropped))


def message_of(record: logging.LogRecord) -> str:
    """Return the rendered message; where it cannot be rendered, what was to be."""
    message, arguments = record.msg, record.args
    kind = type(message)
    if kind is str and not arguments:
        rendered = message
    elif kind is str and type(arguments) is tuple and _PLAIN.issuperset(map(type, arguments)):
        rendered = ask("a message of logging", record.getMessage)
    else:
        rendered = unobserved(record.getMessage)
    if type(rendered) is not str:
        rendered = message if kind is str else f"<{kind.__qualname__}>"
    return rendered if len(rendered) <= limits.LONGEST else limits.name(rendered)


def _extras(values: dict[str, Any], most: int) -> tuple[dict[str, Any] | None, int]:
    """Return what the application has added to a record, typed, and how much of it did not fit."""
    added: dict[str, Any] = {}
    longest, plain = limits.LIMITS.value_length, True
    first = _USUAL if next(islice(values, _USUAL - 1, None), "") == _LAST else 0  # `LogRecord` made it: what is added comes after
    for key, value in islice(values.items(), first, None):
        if key not in STANDARD:
            added[key] = value
            kind = type(value)
            if not ((kind is str and len(value) <= longest) or (kind is int and -_INT64 <= value < _INT64) or kind in _FLAT):
                plain = False
    if not added:
        return None, 0
    if plain and len(added) <= most and "" not in added and _TEXTS.issuperset(map(type, added)):
        return added, 0
    return bounded(added, most)


def _texts(record: logging.LogRecord) -> dict[str, str]:
    """Return the stacks that a record has as texts alone: one that was pickled, and one that `stack_info` asked for."""
    texts = {"exception.stacktrace": record.exc_text, "code.stacktrace": record.stack_info}
    return {key: limits.name(text) for key, text in texts.items() if text}


def _taken_by_upstream(logger: logging.Logger | None, level: int) -> bool:
    """Say whether one of the handlers that a logger's records come to is upstream's, and takes this level."""
    kinds = tuple(UPSTREAM)
    while logger is not None:
        if any(isinstance(handler, kinds) and level >= handler.level for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False
