"""The wire format of protobuf, as far as OTLP needs it written, and OTLP's attributes, masked on the way.

No protobuf library is loaded. Source: https://protobuf.dev/programming-guides/encoding/ and opentelemetry-proto (common/v1).
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.door import mask_attribute, mask_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOUBLE = Struct("<Bd").pack
_UNSIGNED = 1 << 64
_ONE_BYTE = 0x80
_TRUE, _FALSE = b"\x10\x01", b"\x10\x00"

_BARE = frozenset((bool, float))
"""Types that hold nothing to mask."""

_MOST_KNOWN = 1_024
_LONGEST_KNOWN = 256


def varint(number: int) -> bytes:
    """Encode a non-negative integer."""
    return _SMALL[number] if number < len(_SMALL) else _varint(number)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= _ONE_BYTE:
        out.append(number & 0x7F | _ONE_BYTE)
        number >>= 7
    out.append(number)
    return bytes(out)


_SMALL = tuple(map(_varint, range(1_024)))
"""The numbers that most lengths are."""


def field(tag: bytes, body: bytes) -> bytes:
    """Encode a length-delimited field; `tag` is the encoded number and wire type."""
    length = len(body)
    return tag + (_SMALL[length] if length < len(_SMALL) else _varint(length)) + body


def utf8(value: str) -> bytes:
    """Encode a text; lone surrogates, which no collector accepts, become question marks."""
    return value.encode("utf-8", "replace")


def any_value(value: Any) -> bytes:  # noqa: ANN401, PLR0911 - an attribute value, one return a type
    """Encode a value as `AnyValue`; None is one that holds nothing."""
    if isinstance(value, str):
        return field(b"\x0a", value.encode("utf-8", "replace"))
    if value is True:
        return _TRUE
    if value is False:
        return _FALSE
    if isinstance(value, int):
        return b"\x18" + varint(value % _UNSIGNED)
    if isinstance(value, float):
        return _DOUBLE(0x21, value)
    if value is None:
        return b""
    return field(b"\x2a", b"".join([field(b"\x0a", any_value(item)) for item in value]))


class KeyValues:
    """Attributes as repeated `KeyValue` fields of one tag: the door through which every attribute leaves, masked.

    Numbers, and short texts that masking left alone, are remembered with their bytes, since most attributes say the same
    again and again; what was not asked for lately is forgotten. Used by one thread at a time.
    """

    __slots__ = ("_before", "_known", "_names", "_renamed", "_tag")

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._known: dict[tuple[str, Any], bytes] = {}
        self._before: dict[tuple[str, Any], bytes] = {}
        self._names: dict[str, bytes] = {}
        self._renamed: dict[str, bytes] = {}
        """Values by names that were masked, of which several may become one."""

    def encode(self, attributes: Mapping[str, Any]) -> bytes:
        """Encode attributes; None is absent."""
        known = self._known
        parts = []
        for pair in attributes.items():
            kind = type(pair[1])
            encoded = known.get(pair) if kind is str or kind is int else None  # a bool or float may equal an int
            parts.append(encoded or self._new(pair, kind))
        if self._renamed:
            parts += [field(self._tag, field(b"\x0a", utf8(name)) + value) for name, value in self._renamed.items()]
            self._renamed.clear()
        return b"".join(parts)

    def _new(self, pair: tuple[str, Any], kind: type) -> bytes:
        """Encode an attribute that is not known, and remember it where it may be."""
        key, value = pair
        if value is None:
            return b""
        if kind is not int and (kind is not str or len(value) > _LONGEST_KNOWN):
            return self._field(key, value if kind in _BARE else mask_attribute(key, value))
        encoded = self._before.pop(pair, None)
        if encoded is None:
            masked = mask_attribute(key, value)
            encoded = self._field(key, masked)
            if masked != value or not encoded:
                return encoded  # a secret is not kept
        if len(self._known) >= _MOST_KNOWN:
            self._before = self._known.copy()
            self._known.clear()
        self._known[pair] = encoded
        return encoded

    def _field(self, key: str, value: Any) -> bytes:  # noqa: ANN401 - an attribute value
        body = field(b"\x12", any_value(value))
        name = self._names.get(key)
        if name is None:
            masked = mask_name(key)
            if masked != key:
                self._renamed[masked] = body
                return b""
            if len(self._names) >= _MOST_KNOWN:
                self._names.clear()
            name = self._names[key] = field(b"\x0a", utf8(key))
        return field(self._tag, name + body)
