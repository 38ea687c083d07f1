"""What is measured of a cache: how often it was asked in vain, and how large what it holds is. No convention exists for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from platform_instrument.core.values import COUNTER, UP_DOWN_COUNTER, Instrument

RESULT = "cache.result"
HIT, MISS = "hit", "miss"

NAMED = ("cache.system", "cache.name")
_SERVER = ("db.system.name", "db.namespace", "server.address", "server.port")

LOOKUPS = Instrument(
    "platform.cache.lookups",
    "Keys that a cache was asked for, by whether it had them.",
    unit="{lookup}",
    kind=COUNTER,
    constant=(*NAMED, *_SERVER, RESULT),
)

ITEM_SIZE = Instrument(
    "platform.cache.item.size",
    "Size of what a cache returned for a key.",
    unit="By",
    constant=(*NAMED, *_SERVER),
    bounds=tuple(float(4**power) for power in range(3, 13)),
)

ITEMS = Instrument(
    "platform.cache.items",
    "Items that a cache in the process holds.",
    unit="{item}",
    kind=UP_DOWN_COUNTER,
    constant=NAMED,
    observable=True,
)

_LONGEST = 1 << 16
_THERE, _ABSENT = object(), object()


class Cache:
    """A cache that is known by a name and not by a server; `system` is whose it is, such as `django`."""

    __slots__ = ("name", "system")

    def __init__(self, system: str, name: str) -> None:
        self.system = system
        self.name = name

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of its series."""
        return {"cache.system": self.system, "cache.name": self.name}


def known(keys: object) -> Collection[Any]:
    """Return keys that can be gone through more than once, none where they cannot."""
    if type(keys) is list:
        return keys
    return keys if isinstance(keys, Collection) and not isinstance(keys, (str, bytes)) else ()


def lookup(result: object, default: object) -> tuple[Any, ...]:
    """Return what was there for one key, None where nothing was: the very default that was asked with."""
    return (None if result is default else _THERE if result is None else result,)


def lookup_with_token(result: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a value and its token
    """Return what was there for one key, None where nothing was: then there is no token."""
    return (None,) if result[1] is None else lookup(result[0], _ABSENT)


def found(keys: object, answered: Mapping[Any, Any]) -> list[Any]:
    """Return what was there for each key, None where nothing was; an iterator's keys are those that were there."""
    return [
        (_THERE if (value := answered[key]) is None else value) if key in answered else None for key in known(keys) or answered
    ]


def size(item: object) -> int | None:
    """Return how many bytes an item has, None where it does not say: text beyond ASCII is counted up to 64 Ki characters."""
    if isinstance(item, bytes):
        return len(item)
    if not isinstance(item, str):
        return None
    if item.isascii():
        return len(item)
    return len(item.encode("utf-8", "surrogateescape")) if len(item) <= _LONGEST else None
