"""Bounds on what a span may hold, and the only way by which an application's value becomes an attribute.

Values are rendered and cut at once, on the caller's thread: later they may have changed. What comes out is a text, a
number, a truth value or a tuple of those, whatever goes in, and nothing raises. An unset
`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` means no limit to the specification; here it means `LONGEST`, because one attribute
of ten megabytes takes a service and its collector down.
Source: https://opentelemetry.io/docs/specs/otel/common/#attribute
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.privacy.cuts import cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.telemetry.span import Span

LONGEST = 32_768
MOST_ITEMS = 1_024
_DEEPEST = 4
_MOST_BITS = 8_192
_INT64 = 1 << 63
_UINT64 = 1 << 64


class SpanLimits:
    """How much a span may hold: counts, and characters a value; `value_length` is that of events and links."""

    __slots__ = ("event_attributes", "events", "link_attributes", "links", "span_attributes", "span_value_length", "value_length")

    def __init__(self) -> None:
        self.span_attributes = 128
        self.events = 128
        self.links = 128
        self.event_attributes = 128
        self.link_attributes = 128
        self.value_length = LONGEST
        self.span_value_length = LONGEST


LIMITS = SpanLimits()
"""The limits in force; `telemetry.choices` sets its fields from the settings."""


def _nowhere(_span: Span) -> None:
    """Take an ended span before the pipeline is set up: there is nobody to deliver it to."""


ENDED: Callable[[Span], None] = _nowhere
"""Where ended spans go; `telemetry.pipeline` puts itself here."""


def name(value: Any) -> str:  # noqa: ANN401 - whatever the application passes for a text
    """Return a text for a name or a description, whatever was given."""
    text = clean(value, LONGEST)
    return text if type(text) is str else str(text or "")


def nanoseconds(value: Any) -> int | None:  # noqa: ANN401 - whatever the application passes for a time
    """Return a time since the epoch as OTLP can hold it, None where it is not one."""
    return int(value) if isinstance(value, (int, float)) and 0 <= value < _UINT64 else None


def clean(value: Any, longest: int) -> Any:  # noqa: ANN401 - whatever the application passes
    """Return the value as an attribute may hold it, its text cut to `longest`; None where it says nothing."""
    kind = type(value)
    if kind is str:
        return value if len(value) <= longest else cut(value, longest)
    if kind is int:
        return value if -_INT64 <= value < _INT64 else _large(value)[:longest]
    if kind is bool or kind is float:
        return value
    return None if value is None else guard("attribute value", _rendered, value, longest)


def _large(value: int) -> str:
    """Write an integer that does not fit 64 bits; CPython refuses, and takes long, beyond some thousand digits."""
    return str(value) if value.bit_length() < _MOST_BITS else f"{value >> (value.bit_length() - 64):#x}…"


def _rendered(value: Any, longest: int) -> Any:  # noqa: ANN401, PLR0911 - whatever the application passes, by its kind
    """Return what the current SDK makes of a value, but for mappings and bytes, which become text so that it is masked."""
    if issubclass(type(value), str):  # `isinstance` believes what `__class__` says
        return cut(str.__str__(value), longest)
    if isinstance(value, int):
        return clean(int.__index__(value), longest)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, (bytes, bytearray)):
        return cut(bytes(value[: longest * 4]).decode("utf-8", "replace"), longest)
    if isinstance(value, Mapping):
        return cut(_json(value), longest)
    if isinstance(value, Sequence):
        items = (cut(_json(item), longest) if _is_nested(item) else clean(item, longest) for item in value[:MOST_ITEMS])
        return tuple([item for item in items if item is not None])
    return cut(_text(value), longest) or None


def _text(value: Any) -> str:  # noqa: ANN401 - whatever the application passes
    """Return the text that an object's class wrote for it, empty where that is only its address."""
    kind: Any = type(value)
    wrote_none = kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
    return "" if wrote_none else str(value)


def _is_nested(value: Any) -> bool:  # noqa: ANN401 - whatever the application passes
    return isinstance(value, (Mapping, Sequence)) and not isinstance(value, (str, bytes, bytearray))


def _json(value: Any) -> str:  # noqa: ANN401 - a mapping or a sequence
    """Write a nested value as JSON, bounded in depth and items, so that one that contains itself comes to an end."""
    import json  # only for values that few applications pass

    return json.dumps(_plain(value, _DEEPEST, [MOST_ITEMS]), ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any, depth: int, budget: list[int]) -> Any:  # noqa: ANN401 - a mapping, a sequence or an item
    """Return a bounded copy made of what JSON knows; `budget` holds how many items may still come."""
    budget[0] -= 1
    if not _is_nested(value):
        return clean(value, LONGEST)
    if not depth:
        return "…"
    if isinstance(value, Mapping):
        return {name(key): _plain(item, depth - 1, budget) for key, item in _within(value.items(), budget)}
    return [_plain(item, depth - 1, budget) for item in _within(value, budget)]


def _within(items: Iterable[Any], budget: list[int]) -> Iterator[Any]:
    """Give items while there is a budget: of a range of billions no more are looked at."""
    return takewhile(lambda _: budget[0] > 0, items)


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever the application passes
    """Return a bounded copy that nobody changes: texts, numbers, and lists and dicts of them."""
    return _plain(value, _DEEPEST, [MOST_ITEMS])


def put(attributes: dict[str, Any], key: Any, value: Any, most: int, longest: int) -> bool:  # noqa: ANN401 - the application's
    """Put one attribute into a dict of at most `most`; say whether it went in. Where it is full, the new one stays out."""
    if type(key) is not str or not key:
        key = str.__str__(key) if issubclass(type(key), str) else ""  # `isinstance` believes what `__class__` says
        if not key:
            return False
    kept = clean(value, longest)
    if kept is None or (len(attributes) >= most and key not in attributes):
        return False
    attributes[key] = kept
    return True


def pairs(attributes: Any) -> Iterable[tuple[Any, Any]]:  # noqa: ANN401 - whatever the application passes for a mapping
    """Return the items of a mapping, none where it is no mapping."""
    if type(attributes) is dict:
        return attributes.items()
    return () if attributes is None else guard("attributes", _items, attributes) or ()


def _items(attributes: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - as above
    return list(attributes.items()) if isinstance(attributes, Mapping) else []


def bounded(attributes: Any, most: int, longest: int) -> tuple[dict[str, Any], int]:  # noqa: ANN401 - as above
    """Return a bounded copy, and how many attributes did not fit."""
    kept: dict[str, Any] = {}
    dropped = 0
    for key, value in pairs(attributes):
        kind = type(value)
        small = (
            len(value) <= longest if kind is str else kind is bool or kind is float or (kind is int and -_INT64 <= value < _INT64)
        )
        if small and key and type(key) is str and len(kept) < most:
            kept[key] = value  # what most attributes are, without a call
        else:
            dropped += not put(kept, key, value, most, longest)
    return kept, dropped
