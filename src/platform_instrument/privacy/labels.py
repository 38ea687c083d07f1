"""What stands in for a hidden value: a label of its kind, or with a key a pseudonym that is equal for equal values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.masking import KINDS
from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "[secret]"  # noqa: S105 - the label of one

WITHHELD = "[withheld]"
"""Stands for what could not be masked because of a fault of ours."""

LABEL = r"\[(?:" + "|".join(KINDS) + r")(?::[0-9a-f]{12})?\]"
"""A label, as a pattern: what is masked already."""


def no_label(kind: str) -> str:
    """Return what the name of a kind is followed by where it is a word, and no label that stands for a value, as a pattern."""
    return rf"(?!(?<=\[{kind})(?::[0-9a-f]{{12}})?\])"


_MOST_KNOWN = 4_096
_DIGEST_BYTES = 6
PSEUDONYM = 2 * _DIGEST_BYTES
"""Characters of a pseudonym."""
_NUMBERS = frozenset(("phone", "card", "iban", "us_ssn", "national_id"))
_SPACING = Pattern(r"[^0-9A-Za-z]")


class Labels:
    """Which kinds are hidden, and behind what.

    `modes` gives kinds another mode than `mask`: `hash` or `off`; `key` is what pseudonyms are made with.
    """

    __slots__ = ("_key", "_known", "_modes", "has_pseudonyms", "off")

    def __init__(self, modes: Mapping[str, str], key: str = "") -> None:
        self._modes = dict(modes)
        self._key = key.encode("utf-8", "replace")[:64]
        self._known: dict[int, str] = {}
        """By digests, so that no value stays in memory."""
        self.off = frozenset(kind for kind, mode in modes.items() if mode == "off")
        """Kinds that are let through."""
        self.has_pseudonyms = "hash" in modes.values()

    def of(self, kind: str, value: str) -> str:
        """Return what stands in for a value, however it is escaped."""
        if self._modes.get(kind) != "hash":
            return f"[{kind}]"
        digest = hash((kind, value))
        known = self._known.get(digest)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[digest] = f"[{kind}:{self._pseudonym(kind, value)}]"
        return known

    def _pseudonym(self, kind: str, value: str) -> str:
        """Return twelve hexadecimal digits that depend on the key and on the value, however it is written."""
        from hashlib import blake2b  # costs a millisecond, and few want pseudonyms

        from platform_instrument.privacy.reading import as_read  # as above

        read = as_read(value)
        same = _SPACING.sub("", read) if kind in _NUMBERS else read
        return blake2b(same.lower().encode("utf-8", "replace"), digest_size=_DIGEST_BYTES, key=self._key).hexdigest()


DEFAULT = {"ip": "off"}
"""The modes of kinds that are not masked unless a setting says so: joins by address must keep working."""
