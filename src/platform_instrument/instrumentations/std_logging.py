"""logging: every line that a handler prints is masked, and carries the ids of the current span, whatever its format.

Records stay as they are: the line is masked once it is rendered, also where a formatter makes a mapping or bytes of it; what
leaves as a record, by HTTP or a socket, is a masked copy. A line of text gets ` trace_id=… span_id=…` at the end of its first
line, a JSON object two members; a line that carries the trace id already, or has these keys, stays as it is.
Source: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/;
logging/__init__.py `Handler.format`, `Handler.handleError`; logging/handlers.py `HTTPHandler`, `SocketHandler`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument import privacy  # loads what is asked of it with the first line, not at start
from platform_instrument.config.schema import Settings
from platform_instrument.core.values import EditCall, EditResult, Instrumentation
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_DEFAULTS = Settings()
_CODE = frozenset(("name", "levelname", "pathname", "filename", "module", "funcName", "exc_info"))
"""Parts of a record that the code determines, and the exception itself."""
_FIRST_IN_OBJECT = ('"', "}")
"""With what a JSON object goes on after its brace: a key, or its end."""


def finish(_call: Call, line: Any) -> Any:  # noqa: ANN401 - what a formatter made, mostly a text
    """Return the line as it is printed, None where it stays as it is."""
    settings = _settings()
    if type(line) is not str:
        if not isinstance(line, str):
            from platform_instrument.privacy.values import mask_value  # few formatters make no text

            return mask_value(line) if settings.log_mask else None
        line = str.__str__(line)
    masked = privacy.mask(line) if settings.log_mask else line
    return (_correlated(masked) if settings.log_trace_id else None) or masked


class _Written:
    """What `repr` says of a message."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def without_values(call: Call) -> None:
    """Mask what is printed of a record that cannot be rendered: its message and its arguments, to standard error."""
    record = call.argument(1, "record")
    if not _settings().log_mask:
        return
    shown = object.__new__(type(record))
    shown.__dict__.update(record.__dict__)
    shown.msg, shown.args = _Written(privacy.mask(repr(record.msg))), privacy.mask(str(record.args))
    call.args, call.kwargs = (call.args[0], shown), {}


def sent(call: Call) -> None:
    """Give a masked copy of the record to what sends its parts."""
    record = call.argument(1, "record")
    if not _settings().log_mask:
        return
    from logging import Formatter, makeLogRecord  # loaded by who made the record

    from platform_instrument.privacy.values import mask_member  # few handlers send a record

    parts = {key: mask_member(key, value) for key, value in record.__dict__.items() if key not in _CODE}
    parts |= {"msg": privacy.mask(record.getMessage()), "args": None}
    if record.exc_info and not record.exc_text:
        parts["exc_text"] = privacy.mask(Formatter().formatException(record.exc_info))
    call.args, call.kwargs = (call.args[0], makeLogRecord({**record.__dict__, **parts, "exc_info": None})), {}


def _settings() -> Settings:
    return pipeline.PIPELINE.settings if pipeline.PIPELINE is not None else _DEFAULTS


def _correlated(line: str) -> str | None:
    """Return the line with the ids of the current span, None where it has them or there are none."""
    current = CURRENT.get()
    if current is None or not current.trace_id:
        return None
    trace_id = f"{current.trace_id:032x}"
    if trace_id in line:
        return None
    text = line.rstrip()
    if text.startswith("{") and text.endswith("}") and text[1:].lstrip()[0] in _FIRST_IN_OBJECT:
        if '"trace_id"' in text:
            return None
        comma = "" if text[1:-1].isspace() or text == "{}" else ", "
        return f'{text[:-1]}{comma}"trace_id": "{trace_id}", "span_id": "{current.span_id:016x}"}}{line[len(text) :]}'
    first, newline, rest = line.partition("\n")
    return f"{first} trace_id={trace_id} span_id={current.span_id:016x}{newline}{rest}"


INSTRUMENTATION = Instrumentation(
    name="logging",
    requires="python>=3.10,<3.16",
    patches=(
        EditResult("logging:Handler.format", finish),
        EditCall("logging:Handler.handleError", without_values),
        EditCall("logging.handlers:HTTPHandler.mapLogRecord", sent, optional=True),
        EditCall("logging.handlers:SocketHandler.makePickle", sent, optional=True),
    ),
    modules=("logging",),
    settings=("log_trace_id", "log_mask"),
)
