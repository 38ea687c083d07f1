"""logging: the ids of the current span in every line that a handler prints, whatever the format.

A line of text gets ` trace_id=… span_id=…` at the end of its first line, a JSON object two members; a line that carries
the trace id already, or has these keys, stays as it is. Handlers, formatters and records are left alone.
Source: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/;
logging/__init__.py `Handler.format`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_FIRST_IN_OBJECT = ('"', "}")
"""With what a JSON object goes on after its brace: a key, or its end."""


def correlate(_call: Call, line: str) -> str | None:
    """Return the line with the ids of the current span."""
    current = CURRENT.get()
    if current is None or not current.trace_id or type(line) is not str:
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
    patches=(EditResult("logging:Handler.format", correlate),),
    modules=("logging",),
    setting="log_trace_id",
)
