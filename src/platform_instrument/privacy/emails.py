"""E-mail addresses in free text."""

from __future__ import annotations

from platform_instrument.privacy.patterns import Pattern

MASK = "***"

_ADDRESS = Pattern(
    r"(?<![\w.%+/*-])(?!REDACTED@|git@)[\w.%+-]{1,64}(?:@|%40)(?:[^\W_](?:[\w-]{0,62})\.){1,8}"
    r"(?!(?:png|jpe?g|gif|svg|webp|css|js|py|html?)\b)(?:[A-Za-z]{2,24}|xn--[\w-]{2,59})(?![\w-])"
)


def mask_emails(text: str) -> str:
    """Return a text without e-mail addresses."""
    return _ADDRESS.sub(MASK, text) if "@" in text or "%40" in text else text
