"""logging: every line that a handler prints is masked, and carries the ids of the current span, whatever its format.

Records stay as they are: the line is masked once it is rendered. A line of text gets ` trace_id=… span_id=…` at the end of
its first line, a JSON object two members; a line that carries the trace id already, or has these keys, stays as it is.
Source: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/;
logging/__init__.py `Handler.format`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.config.schema import Settings
from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.privacy.pii import mask
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_DEFAULTS = Settings()
_FIRST_IN_OBJECT = ('"', "}")
"""With what a JSON object goes on after its brace: a key, or its end."""


def finish(_call: Call, line: str) -> str | None:
    """Return the line as it is printed, None where it stays as it is."""
    if type(line) is not str:
        return None
    settings = pipeline.PIPELINE.settings if pipeline.PIPELINE is not None else _DEFAULTS
    masked = mask(line) if settings.log_mask else line
    return (_correlated(masked) if settings.log_trace_id else None) or masked


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
    patches=(EditResult("logging:Handler.format", finish),),
    modules=("logging",),
    settings=("log_trace_id", "log_mask"),
)
