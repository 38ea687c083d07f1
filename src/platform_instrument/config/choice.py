"""Who instruments a library: we, upstream's instrumentor, or nobody."""

from __future__ import annotations

_CHOICES = {
    **dict.fromkeys(("native", "true", "1", "yes", "on"), "native"),
    **dict.fromkeys(("off", "false", "0", "no"), "off"),
    "contrib": "contrib",
}


def choice(text: str) -> str | None:
    """Return `native`, `contrib` or `off`, None where a text is none of them."""
    return _CHOICES.get(text.lower())
