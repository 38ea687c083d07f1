"""Records of `logging` as ours: rendered once, on the thread that logs; masked later, at the door.

An error that is logged while an exception is handled carries it, though nobody asked for `exc_info`, and marks its span.
Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/; logging/__init__.py `LogRecord`.
"""

from __future__ import annotations

import logging
from collections import deque
from itertools import count, islice
from os import getpid
from time import time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import ask, guard
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.logs.marks import ERROR, error_of, mark
from platform_instrument.telemetry.logs.record import LogRecord, Site
from platform_instrument.telemetry.logs.severity import severity_of
from platform_instrument.telemetry.scope import InstrumentationScope

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.telemetry.logs.queue import LogQueue
    from platform_instrument.telemetry.span import Span

_FRESH = tuple(vars(logging.makeLogRecord({})))
_ADDED_BY_OTHERS = ("message", "asctime", "taskName", "otelTraceID", "otelSpanID", "otelTraceSampled", "otelServiceName")
_STANDARD = frozenset((*_FRESH, *_ADDED_BY_OTHERS, "_platform_ids"))
"""What every record has, what formatters add, and what upstream's correlation adds: it is said by the ids."""
_USUAL, _LAST = len(_FRESH), _FRESH[-1]
_PLAIN = frozenset((str, int, float, bool, type(None)))
"""Types whose rendering calls no code of the application's."""
_FLAT = frozenset((bool, float))
_TEXTS = frozenset((str,))
_INT64 = 1 << 63
_UNOBSERVED = Ambient(families=SUPPRESSED)
_MOST_SITES = 2_048
_MOST_SCOPES = 1_024
_LONGEST_TEXT = 64

UPSTREAM: list[type] = []
"""Classes of upstream's handlers, which take records to a provider of their own, or to ours."""

CAUGHT: deque[tuple[int, int]] = deque(maxlen=64)
"""The exceptions in the latest records: a number that grows, and the object's id."""

_numbers = count(1)
_sites: dict[tuple[Any, ...], Site] = {}
_scopes: dict[str, InstrumentationScope] = {}


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
    values = record.__dict__
    own: dict[str, Any] | None = None
    dropped = 0
    message = _message(record)
    if len(values) != _USUAL:
        own, dropped = _extras(values, logs.most_attributes)
    error = error_of(record)
    if error is not None:
        own = {**(own or {}), **described(error)}
        CAUGHT.append((next(_numbers), id(error)))
        if current is None and left is not None:
            current = left(error)
        if record.levelno >= ERROR and current is not None and type(current) is not Ambient:
            mark(current, error, own)  # type: ignore[arg-type] # a span, then
    elif record.exc_text or record.stack_info:
        own = {**(own or {}), **_texts(record)}
    site, scope, made = _site(record), scope_of(record.name), int(record.created * 1e9)
    logs.put(LogRecord(site, scope, message, own, made, time_ns(), *ids_of(current), dropped))


def unobserved_here(current: Span | Ambient | None) -> bool:
    """Say whether nothing is recorded here: in our worker, in an exporter's request, in what we are rendering just now."""
    return type(current) is Ambient and current.families == SUPPRESSED


def ids_of(current: Span | Ambient | None) -> tuple[int, int, int]:
    """Return trace, span and flags of what is current; zeros outside of any span."""
    return (current.trace_id, current.span_id, current.flags) if current is not None and current.trace_id else (0, 0, 0)


def taken_so_far() -> int:
    """Return a number that is larger than that of every exception in `CAUGHT`."""
    return next(_numbers)


def scope_of(name: Any) -> InstrumentationScope:  # noqa: ANN401 - a logger's name
    """Return the scope that is a logger's."""
    scope = _scopes.get(name)
    if scope is None:
        if len(_scopes) >= _MOST_SCOPES:
            _scopes.clear()
        scope = _scopes[name] = InstrumentationScope(limits.name(name))
    return scope


def _site(record: logging.LogRecord) -> Site:
    """Return what all records of a statement share; few programs have more statements than are remembered."""
    key = (record.pathname, record.lineno, record.funcName, record.levelno, record.levelname)
    site = _sites.get(key)
    if site is None:
        if len(_sites) >= _MOST_SITES:
            _sites.clear()
        path, line, function, level, text = key
        kept, _ = limits.bounded({"code.file.path": path, "code.function.name": function, "code.line.number": line}, 3, 1_024)
        number = severity_of(level) if isinstance(level, int) else 0
        site = _sites[key] = Site(number, limits.name(text)[:_LONGEST_TEXT], attributes=kept)
    return site


def _message(record: logging.LogRecord) -> str:
    """Return the rendered message; where it cannot be rendered, what was to be."""
    message, arguments = record.msg, record.args
    kind = type(message)
    if kind is str and not arguments:
        rendered = message
    elif kind is str and type(arguments) is tuple and _PLAIN.issuperset(map(type, arguments)):
        rendered = ask("a message of logging", record.getMessage)
    else:
        rendered = _unobserved(record.getMessage)
    if type(rendered) is not str:
        rendered = message if kind is str else f"<{kind.__qualname__}>"
    return rendered if len(rendered) <= limits.LONGEST else limits.name(rendered)


def _unobserved(render: Any) -> Any:  # noqa: ANN401 - a function of the application's
    """Render values of classes that may do anything: what they log meanwhile is not taken, and no span is made of it."""
    token = CURRENT.set(_UNOBSERVED)
    try:
        return ask("a message of logging", render)
    finally:
        CURRENT.reset(token)


def _extras(values: dict[str, Any], most: int) -> tuple[dict[str, Any] | None, int]:
    """Return what the application has added to a record, typed, and how much of it did not fit."""
    added: dict[str, Any] = {}
    longest, plain = limits.LIMITS.value_length, True
    first = _USUAL if next(islice(values, _USUAL - 1, None), "") == _LAST else 0  # `LogRecord` made it: what is added comes after
    for key, value in islice(values.items(), first, None):
        if key not in _STANDARD:
            added[key] = value
            kind = type(value)
            if not ((kind is str and len(value) <= longest) or (kind is int and -_INT64 <= value < _INT64) or kind in _FLAT):
                plain = False
    if not added:
        return None, 0
    if plain and len(added) <= most and "" not in added and _TEXTS.issuperset(map(type, added)):
        return added, 0
    bounded: tuple[dict[str, Any], int] | None = _unobserved(lambda: limits.bounded(added, most, longest))
    return bounded or (None, len(added))


def described(error: BaseException) -> dict[str, Any]:
    """Return an exception as attributes."""
    from platform_instrument.telemetry.exceptions import exception_attributes  # needs `traceback`

    token = CURRENT.set(_UNOBSERVED)
    try:
        return guard("exception of a log", exception_attributes, error) or {}
    finally:
        CURRENT.reset(token)


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
