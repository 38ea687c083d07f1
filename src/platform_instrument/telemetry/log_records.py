"""Records of a log as they may be sent or shown: masked copies, and what stands for one that cannot be masked.

Source: logging/__init__.py `LogRecord`.
"""

from __future__ import annotations

from logging import Formatter, LogRecord, makeLogRecord
from typing import Any

from platform_instrument.privacy.labels import WITHHELD
from platform_instrument.privacy.pii import mask
from platform_instrument.privacy.values import mask_member

_CODE = frozenset(("name", "levelname", "pathname", "filename", "module", "funcName", "exc_info"))
"""Parts of a record that the code determines, and the exception itself."""
_NUMBERS = frozenset(("levelno", "lineno", "created", "msecs", "relativeCreated", "process", "thread"))


class _Written:
    """What `repr` says of a message."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def shown(record: LogRecord) -> LogRecord:
    """Return a record whose message and arguments may be printed as they are written."""
    copy: LogRecord = object.__new__(type(record))
    copy.__dict__.update(record.__dict__)
    copy.__dict__.update(msg=_Written(mask(repr(record.msg))), args=mask(str(record.args)))
    return copy


def copied(record: LogRecord) -> LogRecord:
    """Return a record whose parts may be sent; its text is rendered."""
    parts = {key: mask_member(key, value) for key, value in record.__dict__.items() if key not in _CODE}
    parts |= {"msg": mask(record.getMessage()), "args": None}
    if record.exc_info and not record.exc_text:
        parts["exc_text"] = mask(Formatter().formatException(record.exc_info))
    return makeLogRecord({**record.__dict__, **parts, "exc_info": None})


def withheld(record: LogRecord) -> LogRecord:
    """Return a record that says where one comes from which cannot be masked, and nothing else of it."""
    told = {key: value for key, value in record.__dict__.items() if key in _CODE or key in _NUMBERS}
    return makeLogRecord({**told, "exc_info": None, "msg": WITHHELD, "args": None})


def withheld_line(record: LogRecord, line: Any) -> Any:  # noqa: ANN401 - what a formatter made
    """Return what stands for a line that cannot be masked: which statement of the code made it, in the form that it had."""
    return withheld_text(f"{record.levelname} {record.name} {record.filename}:{record.lineno}", line)


def withheld_text(told: str, line: Any) -> Any:  # noqa: ANN401 - as above
    """Return what stands for a line of which only so much may be told."""
    if isinstance(line, bytes):
        return f"{told} {WITHHELD}".encode()
    if isinstance(line, str):
        return f'{{"message": "{WITHHELD}"}}' if line.startswith("{") else f"{told} {WITHHELD}"
    return {"message": WITHHELD}
