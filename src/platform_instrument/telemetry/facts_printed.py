"""The facts of a request on the lines that are printed about it, after the ids of the span.

A line of text gets ` user.id=7 request_id=…` at the end of its first line, a JSON object members. What a line has of its own
under such a name stays, and a value is quoted where it would not be read as one word: no line becomes two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry import printed
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.facts import REQUEST_ID, facts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.telemetry.facts import Facts

    Told = tuple[tuple[str, str, str, str], ...]
    """For each fact: `name=`, ` name=value`, `"name"`, and `"name": value`."""

_PLACE = "business attributes of lines"
_IDS = 3
_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;/@+-_~#%*()[]<>|!?$&^")

_current_ids, _finished = printed.current_ids, printed.finished


def current_ids(error: BaseException | None = None) -> Any:  # noqa: ANN401 - `printed.Ids`, and `Told` where there is anything
    """Return the ids of the current span, with the facts of its request."""
    ids = _current_ids(error)
    if ids is None:
        return None
    current = CURRENT.get()
    if current is None:
        current = printed.span_left_by(error)
    facts = None if current is None else facts_of(current)
    if facts is None or not (facts.attributes or facts.request_id):
        return ids
    told = guard(_PLACE, _told, facts)
    return (*ids, told) if told else ids


def finished(
    line: Any,  # noqa: ANN401 - as `printed.finished`
    ids: Any,  # noqa: ANN401 - as `current_ids` returns them
    record: Any,  # noqa: ANN401 - as above
    withheld: Callable[[Any, Any], Any],
) -> Any:  # noqa: ANN401 - as above
    """Return the line as it is printed, with ids and facts."""
    line = _finished(line, ids, record, withheld)
    if ids is None or len(ids) == _IDS or not printed.settings().log_trace_id:
        return line
    told: Told = ids[_IDS]
    if isinstance(line, str):
        return guard(_PLACE, _added, line, told) or line
    if isinstance(line, bytes):
        added = guard(_PLACE, _added, line.decode("utf-8", "surrogateescape"), told)
        return line if added is None else added.encode("utf-8", "surrogateescape")
    return line


def unsaid(text: str, ids: Any) -> str:  # noqa: ANN401 - as `current_ids` returns them
    """Return a line without the ids and facts that it was given."""
    before, found, after = text.partition(ids[2])
    for _, piece, _, _ in ids[_IDS] if len(ids) > _IDS else ():
        after = after.removeprefix(piece)
    return before + after if found else text


def _added(line: str, told: Told) -> str:
    if line[:1] not in printed.BRACKETS and "\n" not in line:  # most lines
        return line + _pieces(line, told)
    text = line.rstrip()
    if printed.is_object(text):
        return _with_members(line, text, told)
    first, newline, rest = line.partition("\n")
    if newline and printed.is_object(first.rstrip()):
        return f"{_with_members(first, first.rstrip(), told)}{newline}{rest}"
    if text.startswith(('["', "[{")) and printed.is_json(text):
        return line
    end = "\r" if first.endswith("\r") else ""
    return f"{first[: len(first) - len(end)]}{_pieces(line, told)}{end}{newline}{rest}"


def _pieces(line: str, told: Told) -> str:
    return "".join([piece for name, piece, _, _ in told if name not in line])


def _with_members(line: str, text: str, told: Told) -> str:
    new = [member for _, _, name, member in told if name not in text]
    if len(new) < len(told):
        own = printed.members_of(text)
        new = [member for _, _, name, member in told if name not in text or name[1:-1] not in own]
    if not new:
        return line
    comma = "" if text == "{}" or text[1:-1].isspace() else ", "
    return f"{text[:-1]}{comma}{', '.join(new)}}}{line[len(text) :]}"


def _told(facts: Facts) -> Told:
    """Return how lines tell the facts, made once after each change."""
    version, masks = facts.version, printed.settings().log_mask
    if facts.told is not None and facts.told[0] == version:
        known: Told = facts.told[1]
        return known
    pairs = [(name, name, value) for name, value in list(facts.attributes.items())]
    if facts.request_id:
        pairs.append((REQUEST_ID, "request_id", facts.request_id))
    told = tuple([_one(name, _masked(key, value) if masks else value) for key, name, value in pairs])
    facts.told = (version, told)
    return told


def _masked(key: str, value: Any) -> Any:  # noqa: ANN401 - an attribute's value
    from platform_instrument.telemetry.door import mask_attribute  # few services have facts

    return mask_attribute(key, value)


def _one(name: str, value: Any) -> tuple[str, str, str, str]:  # noqa: ANN401 - as above
    from json import dumps  # as above

    written = dumps(value, default=str)
    word = value if type(value) is str and value and _WORD.issuperset(value) else written
    return f"{name}=", f" {name}={word}", f'"{name}"', f'"{name}": {written}'
