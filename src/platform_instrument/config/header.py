"""The name of a header that a setting chooses; loaded where it is set."""

from __future__ import annotations

from string import ascii_letters, digits

_NAME = frozenset(ascii_letters + digits + "-")
_LONGEST = 64
_TAKEN = frozenset((
    "authorization", "baggage", "connection", "content-length", "content-type", "cookie", "host", "set-cookie", "traceparent",
    "tracestate", "transfer-encoding",
))  # fmt: skip
"""Headers that say something else."""


def header(text: str) -> str | None:
    """Return the name, None where it is none, or one of a header that says something else."""
    fits = len(text) <= _LONGEST and text[0] != "-" and _NAME.issuperset(text)
    return text if fits and text.lower() not in _TAKEN else None
