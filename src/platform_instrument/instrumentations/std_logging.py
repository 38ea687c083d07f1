"""logging: every line that a handler prints is masked, and carries the ids of the current span, whatever its format.

Records stay as they are: the line is masked once it is rendered, also as a mapping or bytes; what leaves as a record is a
masked copy. A line of text gets ` trace_id=… span_id=…` at the end of its first line, a JSON object two members.
Source: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/; logging/__init__.py, handlers.py.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument import privacy  # loads what is asked of it with the first line, not at start
from platform_instrument.config.schema import Settings
from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_DEFAULTS = Settings()
_PLACE = "masking of log lines"
"""Where faults of masking are counted: not as the instrumentation's, which would be undone after a hundred, and mask no more."""


def finish(call: Call, line: Any) -> Any:  # noqa: ANN401 - what a formatter made, mostly a text
    """Return the line as it is printed, None where it stays as it is."""
    settings = _settings()
    if settings.log_mask:
        masked = guard(_PLACE, _masked, line)
        line = _withheld(call.argument(1, "record"), line) if masked is None and line is not None else masked
    if not settings.log_trace_id or not isinstance(line, str):
        return line
    return guard("ids in log lines", _correlated, line) or line


def _masked(line: Any) -> Any:  # noqa: ANN401 - as above
    if type(line) is str:
        return privacy.mask(line)
    from platform_instrument.privacy.values import mask_value  # few formatters make no text

    return mask_value(line)


def _withheld(record: Any, line: Any) -> Any:  # noqa: ANN401 - as above
    from platform_instrument.telemetry.log_records import withheld_line  # none is, mostly

    return withheld_line(record, line)


def instead(what: str, call: Call) -> None:
    """Give another record to what shows or sends its parts: one without values, that says nothing where masking fails."""
    if _settings().log_mask:
        from platform_instrument.telemetry import log_records  # few handlers take one

        record = call.argument(1, "record")
        other = guard(_PLACE, getattr(log_records, what), record)
        call.args, call.kwargs = (call.args[0], log_records.withheld(record) if other is None else other), {}


def overriding(changes: Changes) -> None:
    """Mask what handlers render that have a `format` of their own: of each class once the first of them is made."""
    from logging import Handler  # loaded by then
    from weakref import WeakSet

    seen: WeakSet[type] = WeakSet()

    def made(call: Call) -> None:
        kinds = type(call.args[0]).__mro__
        for kind in kinds[: kinds.index(Handler)]:
            if kind not in seen and "format" in vars(kind):
                changes.edit(kind, EditResult(f"{kind.__module__}:{kind.__qualname__}.format", finish))
            seen.add(kind)

    changes.edit(Handler, EditCall("logging:Handler.__init__", made))


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
    if text.startswith("{") and text.endswith("}") and text[1:].lstrip()[0] in ('"', "}"):
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
        Custom("logging", overriding),
        EditCall("logging:Handler.handleError", partial(instead, "shown")),
        EditCall("logging.handlers:HTTPHandler.mapLogRecord", partial(instead, "copied"), optional=True),
        EditCall("logging.handlers:SocketHandler.makePickle", partial(instead, "copied"), optional=True),
    ),
    modules=("logging",),
    settings=("log_trace_id", "log_mask"),
)
