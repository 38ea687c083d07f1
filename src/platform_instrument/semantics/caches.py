"""What is measured of a cache: how often it was asked in vain, and how large what it holds is. No convention exists for it."""

from __future__ import annotations

from platform_instrument.core.values import COUNTER, Instrument

RESULT = "cache.result"
HIT, MISS = "hit", "miss"

_SERVER = ("db.system.name", "db.namespace", "server.address", "server.port")

LOOKUPS = Instrument(
    "platform.cache.lookups",
    "Keys that a cache was asked for, by whether it had them.",
    unit="{lookup}",
    kind=COUNTER,
    constant=(*_SERVER, RESULT),
)

ITEM_SIZE = Instrument(
    "platform.cache.item.size",
    "Size of what a cache returned for a key.",
    unit="By",
    constant=_SERVER,
    bounds=tuple(float(4**power) for power in range(3, 13)),
)

_LONGEST = 1 << 16


def size(item: object) -> int | None:
    """Return how many bytes an item has, None where it does not say: text beyond ASCII is counted up to 64 Ki characters."""
    if isinstance(item, bytes):
        return len(item)
    if not isinstance(item, str):
        return None
    if item.isascii():
        return len(item)
    return len(item.encode("utf-8", "surrogateescape")) if len(item) <= _LONGEST else None
