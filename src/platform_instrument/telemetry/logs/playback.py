"""Lines that were kept, printed in the end by the service's own handlers, in its format and in the context they were logged in.

A handler prints what the service's level lets through, and lines below that level are for those handlers alone that print all of
it: what takes a choice of it only, such as a file of errors or the mail to whoever is on duty, gets none of them. What does
not export logs by itself is exported too, unless it was when it was logged.
"""

from __future__ import annotations

import logging
from copy import copy
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import ask, guard
from platform_instrument.telemetry.logs import capture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platform_instrument.telemetry.logs.queue import LogQueue
    from platform_instrument.telemetry.logs.ring import Line


def prints(logger: logging.Logger, level: int) -> bool:
    """Say whether a handler prints the lines of a logger that have this level, once they have passed the logger's."""
    last: Any = logging.lastResort
    above: logging.Logger | None = logger
    while above is not None:
        for handler in above.handlers:
            last = None
            if level >= handler.level and type(handler) is not logging.NullHandler:
                return True
        above = above.parent if above.propagate else None
    return last is not None and level >= last.level


def printing(logger: logging.Logger) -> list[Any]:
    """Return the handlers that print all that is printed of a logger; none that takes errors alone."""
    own = logger.getEffectiveLevel()
    found = [(max(own, handler.level), handler) for handler in _handlers(logger)]
    least = min([level for level, _ in found], default=0)
    return [handler for level, handler in found if level == least and handler.level < logging.ERROR]


def _handlers(logger: logging.Logger | None) -> list[Any]:
    """Return the handlers that a logger's lines come to, but for those that print nothing."""
    found: list[Any] = []
    last: Any = logging.lastResort
    while logger is not None:
        for handler in logger.handlers:
            last = None
            if type(handler) is not logging.NullHandler:
                found.append(handler)
        logger = logger.parent if logger.propagate else None
    return found if last is None else [last]


def play(lines: Sequence[Line], left_out: int, logs: LogQueue | None) -> None:
    """Print lines in their order, and before them how many earlier ones there were that are not kept any more.

    `logs` is where records wait for their export, None where they are not exported.
    """
    if left_out and lines:
        lines[0].context.run(lines[0].play, logs, left_out)
    for line in lines:
        line.context.run(line.play, logs)


def left_out_before(left_out: int) -> str:
    """Return what is said of lines that are not kept any more."""
    return f"… {left_out} earlier lines left out"


def beginning(first: logging.LogRecord, left_out: int) -> logging.LogRecord:
    """Return a line of the logger, the level and the time of the first one, with what formatters may want of it."""
    record = copy(first)
    for name in [name for name in record.__dict__ if name.startswith("_")]:
        del record.__dict__[name]  # structlog's sign that the message is an event
    record.msg, record.args = left_out_before(left_out), None
    record.exc_text = record.stack_info = None
    return record


def hand_out(logger: logging.Logger, record: logging.LogRecord, logs: LogQueue | None) -> None:
    """Export a record, where there is a queue for it, and print it."""
    if logs is not None:
        guard("logs", capture.catch, logs, logger, record)
    for handler in printing(logger):
        ask("a handler of logging", handler.handle, record)
