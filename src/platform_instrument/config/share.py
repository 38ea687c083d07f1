"""A share that is written as a percentage; loaded where one is set."""

from __future__ import annotations

_LEAST, _MOST = 0.1, 100.0


def share(text: str) -> float | None:
    """Return `3%` as 0.03, None where a text is no percentage within bounds; without the sign it might mean either."""
    digits = text[:-1].rstrip() if text.endswith("%") else ""
    if not digits.isascii() or not digits.replace(".", "", 1).isdigit():
        return None
    value = float(digits)
    return value / 100 if _LEAST <= value <= _MOST else None
