"""A record of `logging` as it is kept for later: made of values that do not change any more, rendered on the thread that logs.

A message of plain values keeps its arguments, as formatters may read them; any other is rendered at once. An exception becomes
its text, what was added to the record a bounded copy. The context is kept too: what a handler's filter or a formatter
looks up in it, such as the id of the request, is found as it was.
Source: logging/__init__.py `LogRecord`; logging/handlers.py `QueueHandler.prepare`, whose shape of a record this is.
"""

from __future__ import annotations

import logging
import sys
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry import limits
from platform_instrument.telemetry.logs import capture, parts, playback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.logs.queue import LogQueue

_STANDARD = frozenset(vars(logging.makeLogRecord({})))
_USUAL = len(_STANDARD)
_PLAIN = frozenset((str, int, float, bool, type(None)))
_UNCHANGING = frozenset(("datetime", "decimal", "fractions", "uuid", "ipaddress"))
"""Modules whose values are never changed, and print without the application's code."""
MOST_TEXT = 8_192
"""Characters of a message, of an argument, of a value that was added."""
_RECORD, _ADDED = 800, 700
"""Bytes of a record without its texts, and how many more it takes where something was added to it."""
_VALUE = 64


class Kept:
    """One line, made by `kept` alone: an `__init__` would cost a tenth of it."""

    __slots__ = ("context", "logger", "passed", "record", "weight")

    context: Context
    logger: logging.Logger
    passed: bool
    """Whether it has passed its logger's level, and no handler has printed it."""
    record: logging.LogRecord
    weight: int
    """What it holds, in bytes, about."""

    def play(self, logs: LogQueue | None, left_out: int = 0) -> None:
        """Print the line, or that so many before it are not kept any more."""
        record = playback.beginning(self.record, left_out) if left_out else self.record
        playback.hand_out(self.logger, record, None if self.passed else logs)


def kept(logger: logging.Logger, record: logging.LogRecord, *, passed: bool) -> Kept:
    """Return a line of a record that nobody else is handed any more, and that is changed in place."""
    line = Kept()
    line.logger, line.record, line.passed = logger, record, passed
    line.context = copy_context()
    values = record.__dict__
    weight = _RECORD + _message(record)
    if record.exc_info or record.stack_info:
        weight += _stack(record)
    if len(values) != _USUAL:
        weight += _ADDED
        for key, value in values.items():
            if key not in _STANDARD:
                values[key] = changed = _value(value)
                weight += _VALUE + length_of(changed)
    line.weight = weight
    return line


def _stack(record: logging.LogRecord) -> int:
    """Put the text of an exception in its place, whose frames hold whatever the request has."""
    error, record.exc_info = _error_of(record.exc_info), None
    if error is not None and not record.exc_text:
        record.exc_text = _text_of(error)
    if record.stack_info:
        record.stack_info = _cut(record.stack_info)
    return len(record.exc_text or "") + len(record.stack_info or "")


def _error_of(told: Any) -> BaseException | None:  # noqa: ANN401 - what the application passes as `exc_info`
    """Return the exception that is given as such, as the triple of `sys.exc_info()`, or by a word that there is one."""
    if isinstance(told, tuple):
        told = told[1] if len(told) > 1 else None
    elif told is True:
        told = sys.exc_info()[1]
    return told if isinstance(told, BaseException) else None


def _text_of(error: BaseException) -> str:
    return str(parts.described(error).get("exception.stacktrace", "")).rstrip("\n")


def _message(record: logging.LogRecord) -> int:
    """Keep a message of plain values as it is, and render any other."""
    message, arguments = record.msg, record.args
    if type(message) is str and len(message) <= MOST_TEXT:
        if not arguments:
            return len(message)
        if type(arguments) is tuple and _PLAIN.issuperset(map(type, arguments)):
            length = len(message)
            for value in arguments:
                if type(value) is str:
                    length += len(value)
                elif type(value) is int:
                    length += value.bit_length() >> 3
            if length <= MOST_TEXT:
                return length
    if type(message) is dict and not arguments:  # structlog's, of which its formatter makes the line
        record.msg = changed = event_of(message)
        return length_of(changed)
    record.msg = text = _cut(capture.message_of(record))
    record.args = None
    return len(text)


def event_of(message: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - a dict of bounded values
    """Return a bounded copy of an event; its exception becomes a text, by the name that structlog gives it."""
    error = _error_of(message.get("exc_info"))
    if error is None:
        return _value(message)
    return _value({**{key: value for key, value in message.items() if key != "exc_info"}, "exception": _text_of(error)})


def _value(value: Any) -> Any:  # noqa: ANN401 - whatever the application adds
    """Return a value as it is where it does not change, else a bounded copy or its text."""
    kind = type(value)
    if kind is str:
        return _cut(value)
    if kind is int:
        return limits.clean(value, MOST_TEXT)
    if kind in _PLAIN or kind.__module__ in _UNCHANGING or isinstance(value, logging.Logger):
        return value
    return parts.unobserved(lambda: limits.plain(value))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else limits.clean(text, MOST_TEXT)


def length_of(value: Any) -> int:  # noqa: ANN401 - what `_value` returned
    """Return how many bytes a kept value takes, about."""
    kind = type(value)
    if kind is str:
        return len(value)
    if kind is int:
        return int(value.bit_length()) >> 3
    if kind is dict:
        return sum([_VALUE + length_of(item) for item in value.values()])
    if kind is list or kind is tuple:
        return sum([_VALUE + length_of(item) for item in value])
    return 0
