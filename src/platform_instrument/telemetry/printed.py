"""Lines that the service prints, whichever library made them: masked, and with the ids of the span they are about.

A line of text gets ` trace_id=… span_id=…` at the end of its first line, a JSON object two members. One that has them stays
as it is, and so does one that could not be read any more: a JSON array.
Source: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/.
"""

from __future__ import annotations

from contextvars import ContextVar
from copy import copy
from typing import TYPE_CHECKING, Any

from platform_instrument import privacy  # loads what is asked of it with the first line, not at start
from platform_instrument.config.schema import Settings
from platform_instrument.core.guard import absorb, guard
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT, NOTED

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from platform_instrument.telemetry.span import Span

    Ids = tuple[str, str, str]
    """The trace's id in hex, the span's, and both as they follow a line of text."""

_DEFAULTS = Settings()
MASKING = "masking of log lines"
"""Where faults of masking are counted: not as the instrumentation's, which would be undone after a hundred, and mask no more."""
IDS = "ids of log lines"
"""Where faults of adding them are counted: a line that has none is masked all the same."""
BRACKETS = ("{", "[", " ", "\t", "")
"""With what a line begins that may be JSON."""
_LONG = 131_072
"""Characters that are masked at once."""
_MOST_KNOWN = 1_024
_known: dict[tuple[int, int], Ids] = {}
_latest: tuple[int, int, Ids | None] = (0, 0, None)
"""The ids asked for last: a span logs several lines in a row, mostly."""

LEFT: ContextVar[tuple[int, Span] | None] = ContextVar("platform_instrument_left", default=None)
"""The last exception that left a request's application, by its `id`, and the request's span: servers report it afterwards."""


def span_left_by(error: BaseException | None) -> Span | None:
    """Return the span of the request whose application an exception has left just now."""
    left = LEFT.get()
    return left[1] if left is not None and left[0] == id(error) else None


def settings() -> Settings:
    """Return the settings in force."""
    return pipeline.PIPELINE.settings if pipeline.PIPELINE is not None else _DEFAULTS


def spare() -> str | None:
    """Return what stands for a line that cannot be masked, with no room on the stack or modules gone; None where none is."""
    return "[withheld]" if settings().log_mask else None


def ids_of(trace_id: int, span_id: int) -> Ids:
    """Return the ids as they are printed; those of the latest spans are remembered, since a span is seldom good for one line."""
    global _latest  # noqa: PLW0603 - one a process; what replaces it is whole
    known = _known.get((trace_id, span_id))
    if known is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        trace, span = f"{trace_id:032x}", f"{span_id:016x}"
        known = _known[trace_id, span_id] = (trace, span, f" trace_id={trace} span_id={span}")
    _latest = (trace_id, span_id, known)
    return known


def current_ids(error: BaseException | None = None) -> Ids | None:
    """Return the ids of the current span, or of the one that an exception has left just now; None outside of spans."""
    current = CURRENT.get()
    if current is None:
        current = None if error is None else span_left_by(error)
        if current is None:
            return None
    trace_id, span_id, ids = _latest
    if current.span_id == span_id and current.trace_id == trace_id:
        return ids
    return ids_of(current.trace_id, current.span_id) if current.trace_id else None


def noted(record: Any) -> Any:  # noqa: ANN401 - logging.LogRecord
    """Return a copy of a record that knows its span, for what keeps it for later: another handler's is not touched."""
    known = copy(record)
    known.__dict__[NOTED] = current_ids() or ()
    return known


def finished(
    line: Any,  # noqa: ANN401 - what a formatter made, mostly a text
    ids: Ids | None,
    record: Any,  # noqa: ANN401 - what it was made of
    withheld: Callable[[Any, Any], Any],
) -> Any:  # noqa: ANN401 - as above
    """Return the line as it is printed; `withheld(record, line)` stands for one that cannot be masked."""
    wanted = pipeline.PIPELINE.settings if pipeline.PIPELINE is not None else _DEFAULTS
    if wanted.log_mask:
        try:  # `guard` would cost as much as the masking of most lines
            masked = privacy.mask(line) if type(line) is str and len(line) <= _LONG else _masked(line)
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb(MASKING, fault)
            masked = None
        line = withheld(record, line) if masked is None and line is not None else masked
    if ids is None or not wanted.log_trace_id:
        return line
    if type(line) is str and line[:1] not in BRACKETS and "\n" not in line and ids[0] not in line:  # most lines
        return line + ids[2]
    return guard(IDS, _with_ids, line, ids) or line


def _with_ids(line: Any, ids: Ids) -> Any:  # noqa: ANN401 - as above
    """Return any other line with the ids; None where it stays as it is."""
    if isinstance(line, str):
        return correlated(line, ids)
    if isinstance(line, bytes):
        added = correlated(line.decode("utf-8", "surrogateescape"), ids)
        return None if added is None else added.encode("utf-8", "surrogateescape")
    return None


def unsaid(text: str, ids: Ids) -> str:
    """Return a line without the ids that it was given."""
    return text.replace(ids[2], "", 1)


def _masked(line: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(line, (str, bytes)) and len(line) > _LONG:
        from platform_instrument.telemetry.long_lines import mask_long  # few lines are

        if isinstance(line, str):
            return mask_long(str(line))
        masked = mask_long(line.decode("utf-8", "surrogateescape"))
        return None if masked is None else masked.encode("utf-8", "surrogateescape")
    from platform_instrument.privacy.values import mask_value  # few formatters make no text

    return mask_value(line)


def correlated(line: str, ids: Ids) -> str | None:
    """Return the line with the ids, None where it has them or has no place for them."""
    text = line.rstrip()
    if is_object(text):
        return _with_members(line, text, ids)
    first, newline, rest = line.partition("\n")
    if newline and is_object(first.rstrip()):
        beginning = _with_members(first, first.rstrip(), ids)  # a stack follows, for people to read
        return None if beginning is None else f"{beginning}{newline}{rest}"
    if ids[0] in line or (text.startswith(('["', "[{")) and is_json(text)):
        return None
    end = "\r" if first.endswith("\r") else ""
    return f"{first[: len(first) - len(end)]}{ids[2]}{end}{newline}{rest}"


def is_object(text: str) -> bool:
    """Say whether a text looks like a JSON object."""
    if not text.endswith("}"):
        return False
    text = text.lstrip()
    return text.startswith("{") and text[1:].lstrip()[0] in {'"', "}"}


def _with_members(line: str, text: str, ids: Ids) -> str | None:
    if f'"{ids[0]}"' in text:
        return None
    members = f'"trace_id": "{ids[0]}", "span_id": "{ids[1]}"'
    if '"trace_id"' in text or '"span_id"' in text:
        members = _missing(text, members)
        if not members:
            return None
    comma = "" if text.lstrip() == "{}" or text.lstrip()[1:-1].isspace() else ", "
    return f"{text[:-1]}{comma}{members}}}{line[len(text) :]}"


def _missing(text: str, members: str) -> str:
    """Return what a JSON object does not have itself: its own members win, a span's id without its trace's is of no use."""
    own = members_of(text)
    if "trace_id" in own:
        return ""
    return members.partition(", ")[0] if "span_id" in own else members


def members_of(text: str) -> Container[str]:
    """Return the names of the members that a JSON object has; any name where it is none after all."""
    from json import loads  # few lines have such members, and those were made with it

    try:
        own: dict[str, Any] = loads(text)
    except (ValueError, RecursionError):
        return _EVERY
    return own


def is_json(text: str) -> bool:
    """Say whether a text is JSON."""
    from json import loads  # as above

    try:
        loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class _Every:
    """Holds any name."""

    def __contains__(self, _name: object) -> bool:
        return True


_EVERY = _Every()


def use(current_ids: Callable[..., Any], finished: Callable[..., Any], unsaid: Callable[..., Any]) -> None:
    """Put others in the place of these three, which may call them: who wants no more than ids pays for nothing more."""
    globals().update(current_ids=current_ids, finished=finished, unsaid=unsaid)
