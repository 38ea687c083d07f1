"""The platform's own formats of what a service prints, by `PLATFORM_LOG_FORMAT`: `text` and `json`, one shape for all libraries.

JSON: `time` (RFC 3339 with offset), `level`, `logger`, `message`, `service`, the values that were logged with it, `exception`
(`type`, `message`, `stack` by lines). The ids of the span follow once the line is masked, as in any other format.
Source: https://www.rfc-editor.org/rfc/rfc3339; logging/__init__.py `LogRecord`.
"""

from __future__ import annotations

import logging
import re
import sys
from datetime import datetime
from json import dumps, loads
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry.exceptions import exception_attributes
from platform_instrument.telemetry.printed import settings
from platform_instrument.telemetry.program import running_program

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACE = "log format"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What every record has, and what formatters and uvicorn add."""
_TOLD = frozenset(
    ("event", "message", "level", "logger", "timestamp", "time", "exception", "exc_info", "_record", "_from_structlog")
)
"""Names under which structlog says what our own members say, and what is not to be printed."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Said:
    """One thing that was said; `created` is seconds since the epoch, `stack` what is known of an exception that is gone."""

    __slots__ = ("created", "error", "level", "logger", "message", "stack", "values")

    def __init__(  # noqa: PLR0913 - what a line says
        self,
        created: float,
        level: str,
        logger: str,
        message: str,
        values: Mapping[str, Any],
        error: BaseException | None = None,
        stack: str = "",
    ) -> None:
        self.created = created
        self.level = level
        self.logger = logger
        self.message = message
        self.values = values
        self.error = error
        self.stack = stack


def of_record(record: logging.LogRecord) -> Said:
    """Return what a record of the standard library says; an error that is logged where one is handled carries it."""
    values = {key: value for key, value in vars(record).items() if key not in _STANDARD and not key.startswith("_")}
    error = record.exc_info[1] if record.exc_info else None
    stack = record.exc_text or ""
    if error is None and not stack and record.levelno >= logging.ERROR:
        error = sys.exc_info()[1]
    logger, created = record.name, record.created
    if isinstance(record.msg, dict):  # structlog, before its formatter has made a line of it
        told = record.msg
        values = {**values, **_values(told)}
        return Said(
            created, record.levelname, logger, str(told.get("event", "")), values, error, str(told.get("exception", stack))
        )
    return Said(created, record.levelname, logger, record.getMessage(), values, error, stack)


def of_line(line: str, level: str, created: float) -> Said:
    """Return what a line of structlog's says: the members of a JSON object, or the text without colours."""
    told: Any = guard(_PLACE, _members, line) if line.startswith("{") else None
    if not isinstance(told, dict):
        return Said(created, level.upper(), "", _COLOUR.sub("", line).rstrip(), {})
    level, message = str(told.get("level", level)), str(told.get("event", told.get("message", "")))
    return Said(created, level.upper(), str(told.get("logger", "")), message, _values(told), None, str(told.get("exception", "")))


def rendered(said: Said) -> str:
    """Return the line, in the format of the settings."""
    return _json(said) if settings().log_format == "json" else _text(said)


def _json(said: Said) -> str:
    line = {
        "time": _time(said),
        "level": said.level,
        "logger": said.logger,
        "message": said.message,
        "service": settings().service_name or running_program(),
    }
    line.update((key, value) for key, value in said.values.items() if key not in line and key != "exception")
    exception = _exception(said)
    if exception is not None:
        line["exception"] = exception  # type: ignore[assignment] # any value may follow the five texts
    return dumps(line, default=str, ensure_ascii=False)


def _text(said: Said) -> str:
    values = "".join(f" {key}={value}" for key, value in said.values.items())
    named = f"{said.level} {said.logger}".rstrip()
    first, newline, rest = said.message.partition("\n")
    line = f"{_time(said)} {named} {first}{values}{newline}{rest}"
    exception = _exception(said)
    return line if exception is None else "\n".join((line, *exception["stack"]))


def _exception(said: Said) -> dict[str, Any] | None:
    if said.error is None:
        return {"type": "", "message": "", "stack": said.stack.splitlines()} if said.stack else None
    known = exception_attributes(said.error)
    return {
        "type": known["exception.type"],
        "message": known["exception.message"],
        "stack": known["exception.stacktrace"].splitlines(),
    }


def _time(said: Said) -> str:
    return datetime.fromtimestamp(said.created).astimezone().isoformat(timespec="milliseconds")


def _values(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key not in _TOLD}


def _members(line: str) -> Any:  # noqa: ANN401 - what a JSON text holds
    try:
        return loads(line)
    except ValueError:
        return None
