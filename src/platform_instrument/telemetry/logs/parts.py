"""What records of logs are made of, whichever library they come from: ids, scope, place, values, and the exception."""

from __future__ import annotations

import logging
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import ask, guard
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.context import CURRENT, ERROR, NOTED, Ambient
from platform_instrument.telemetry.logs.marks import aside, mark
from platform_instrument.telemetry.logs.record import Site
from platform_instrument.telemetry.logs.severity import severity_of
from platform_instrument.telemetry.scope import InstrumentationScope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.span import Span

FRESH = tuple(vars(logging.makeLogRecord({})))
_ADDED_BY_OTHERS = ("message", "asctime", "taskName", "otelTraceID", "otelSpanID", "otelTraceSampled", "otelServiceName")
STANDARD = frozenset((*FRESH, *_ADDED_BY_OTHERS, NOTED))
"""What every record has, what formatters add, and what upstream's correlation adds: it is said by the ids."""
_UNOBSERVED = Ambient(families=SUPPRESSED)
_MOST_SITES = 2_048
_MOST_SCOPES = 1_024
_LONGEST_TEXT = 64

CAUGHT: deque[tuple[int, int]] = deque(maxlen=64)
"""The exceptions in the latest records: a number that grows, and the object's id."""

_numbers = count(1)
_sites: dict[tuple[Any, ...], Site] = {}
_scopes: dict[str, InstrumentationScope] = {}


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


def site_of(path: Any, line: Any, function: Any, level: Any, text: Any) -> Site:  # noqa: ANN401 - what records say
    """Return what all records of a statement share; few programs have more statements than are remembered."""
    key = (path, line, function, level, text)
    try:
        site = _sites.get(key)
    except TypeError:  # what is no text and no number
        key = (str(path), 0, str(function), level, str(text))
        site = _sites.get(key)
    if site is None:
        if len(_sites) >= _MOST_SITES:
            _sites.clear()
        kept, _ = limits.bounded({"code.file.path": path, "code.function.name": function, "code.line.number": line}, 3, 1_024)
        number = severity_of(level) if isinstance(level, int) else 0
        site = _sites[key] = Site(number, limits.name(text)[:_LONGEST_TEXT], attributes=kept)
    return site


def unobserved(render: Any) -> Any:  # noqa: ANN401 - a function of the application's
    """Render values of classes that may do anything: what they log meanwhile is not taken, and no span is made of it."""
    token = CURRENT.set(_UNOBSERVED)
    try:
        return ask("a message of logging", render)
    finally:
        CURRENT.reset(token)


def bounded(values: Mapping[str, Any], most: int) -> tuple[dict[str, Any] | None, int]:
    """Return values of the application's as attributes, and how many of them did not fit."""
    kept: tuple[dict[str, Any], int] | None = unobserved(lambda: limits.bounded(values, most, limits.LIMITS.value_length))
    return kept or (None, len(values))


def carried(error: BaseException, own: Mapping[str, Any] | None, level: int, current: Span | Ambient | None) -> dict[str, Any]:
    """Return the attributes of a record with those of its exception; where it is an error, its span is marked."""
    own = {**(own or {}), **described(error)}
    CAUGHT.append((next(_numbers), id(error)))
    if level >= ERROR and current is not None and type(current) is not Ambient:
        mark(current, error, own)  # type: ignore[arg-type] # a span, then
    return own


def described(error: BaseException) -> dict[str, Any]:
    """Return an exception as attributes."""
    from platform_instrument.telemetry.exceptions import exception_attributes  # needs `traceback`

    token = CURRENT.set(aside(CURRENT.get()))
    try:
        return guard("exception of a log", exception_attributes, error) or {}
    finally:
        CURRENT.reset(token)
