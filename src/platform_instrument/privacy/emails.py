"""E-mail addresses in free text. Source: RFC 5321, RFC 5322, as far as addresses are in use."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from platform_instrument.privacy.detector import Detector
from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL = string.ascii_letters + string.digits + "._%+-"
_LONGEST_LOCAL = 64
_LONGEST_USER_INFO = 256
_SIGNS = Pattern(r"@|%40")
_DOMAIN = Pattern(
    r"(?:[^\W_](?:[\w-]{0,62})\.){1,8}"
    r"(?!(?:png|jpe?g|gif|svg|webp|css|js|py|html?)\b)(?:[A-Za-z]{2,24}|(?i:xn--)[\w-]{2,59})(?![\w-])"
)
_NO_PERSON = ("git", "REDACTED")


def _in_authority(text: str, start: int) -> bool:
    """Say whether the sign ends the user info of a URL, which is credentials."""
    before = text[max(start - _LONGEST_USER_INFO, 0) : start]
    scheme = before.rfind("://")
    return scheme >= 0 and not any(sign in before[scheme + 3 :] for sign in "/?# ")


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """Yield each address, read from its sign to both sides."""
    domain_at = _DOMAIN.compiled().match
    for sign in _SIGNS.compiled().finditer(text):
        at = sign.start()
        before = text[max(at - _LONGEST_LOCAL, 0) : at]
        local = len(before) - len(before.rstrip(_LOCAL))
        start = at - local
        if not local or _in_authority(text, start) or before[-local:] in _NO_PERSON:
            continue
        domain = domain_at(text, sign.end())
        if domain is not None:
            yield start, domain.end()


EMAIL = Detector("email", _addresses)
