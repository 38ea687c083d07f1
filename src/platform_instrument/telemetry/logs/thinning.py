"""Records of `logging` under load: which are left out, and who says how many were.

Source: logging/__init__.py `LogRecord`, `Logger.makeRecord`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import ask, works
from platform_instrument.telemetry.context import NOTED
from platform_instrument.telemetry.logs.parts import STANDARD
from platform_instrument.telemetry.logs.sampling import HANDED_ON, blank

if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger, LogRecord

    from platform_instrument.telemetry.logs.sampling import Bucket, Sampler


def left_out(sampler: Sampler, logger: Logger, record: LogRecord, voice: Callable[..., Any] | None = None) -> bool:
    """Say whether a record is left out: none that was decided about before it went through a queue, or by another process.

    `voice(logger, record)` makes what says how many are; mostly the logger does.
    """
    text: Any = record.msg
    try:
        if sampler.keeps(record.levelno):
            return False
        bucket = sampler.buckets.get((record.name, record.levelno, text)) if type(text) is str else None
    except TypeError:  # a level that is no number, a name that is no text
        return False
    if NOTED in record.__dict__ or (record.process is not None and record.process != sampler.pid):
        return False
    if bucket is None:
        bucket = _bucket(sampler, logger, record, voice or Voice)
    return bucket is not None and not sampler.lets_pass(bucket)


def _bucket(sampler: Sampler, logger: Logger, record: LogRecord, voice: Callable[..., Any]) -> Bucket | None:
    place = (str(record.pathname), record.lineno if isinstance(record.lineno, int) else 0)
    bucket = sampler.bucket(str(record.name), record.levelno, str(record.levelname), _template(record), *place)
    if bucket is not None and bucket.voice is None:
        bucket.voice = voice(logger, record)
    return bucket


def _template(record: LogRecord) -> str | None:
    """Return the message as it was written; of an event that structlog has rendered, or hands on whole, the event."""
    message: Any = record.msg
    handed_on = HANDED_ON.get()
    if handed_on is not None and handed_on[0] is message:
        return handed_on[1]
    text = message.get("event") if type(message) is dict else message
    return text if type(text) is str else None


class Voice:
    """Says something by a logger, where its lines are printed; says whether it could."""

    __slots__ = ("_added", "_logger", "_place")

    def __init__(self, logger: Logger, record: LogRecord) -> None:
        own = [(key, value) for key, value in record.__dict__.items() if key not in STANDARD and not key.startswith("_")]
        self._added = blank(own)
        self._logger = logger
        self._place = (record.pathname, record.lineno, record.funcName)

    def __call__(self, level: int, text: str) -> bool:
        """Say it."""
        return bool(ask("a logger that says what was left out", self._say, level, text))

    def _say(self, level: int, text: str) -> bool:
        logger, (path, line, function) = self._logger, self._place
        record = logger.makeRecord(logger.name, level, path, line, text, (), None, function, self._added)
        record.__dict__[NOTED] = ()
        passed: Any = not logger.disabled and logger.filter(record)
        return bool(passed) and _printed(logger, passed if hasattr(passed, "levelno") else record)


def _printed(logger: Logger | None, record: LogRecord) -> bool:
    """Have handlers print what a logger's lines come to; say whether one could, or none would.

    Some formats are for one kind of lines alone, such as those of an access log: then those of the loggers above do it.
    """
    said = failed = False
    while logger is not None:
        for handler in logger.handlers:
            if record.levelno < handler.level:
                continue
            if works(handler.format, record):
                said = True
                handler.handle(record)
            else:
                failed = True
        if not logger.propagate and (said or not failed):
            break
        logger = logger.parent
    return said or not failed
