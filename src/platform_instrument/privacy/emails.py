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
_FILES = (
    "png|jpe?g|gif|svg|webp|css|jsx?|tsx?|map|py|rb|php|java|html?|json|ya?ml|xml|txt|log|conf|cfg|sock|gz|tar"
    "|service|socket|slice|scope|timer|mount|device|swap|automount"
)
_ODD = "!#$&*^{|}~"
"""What addresses may end with before their sign, and hardly do."""
_NOT_QUOTED = " \t\r\n,:;=(){}[]<>@"
"""With what a quoted local part does not begin: it would be what stands between two texts."""
_PREFIXES = ("b", "r", "u", "f", "rb", "br")
_DOMAIN = Pattern(
    r"(?!\d{1,5}\.\d|self\.)(?![\w.-]{0,200}\.(?:internal|cluster\.local|svc|arpa)(?![\w.-]))(?:[^\W_](?:[\w-]{0,62})\.){1,127}"
    rf"(?!(?:{_FILES})\b)(?:[^\W\d_]{{2,24}}|(?i:xn--)[\w-]{{2,59}})(?!\w)"
    r"|\[(?:\d{1,3}(?:\.\d{1,3}){3}|(?i:ipv6:)[0-9A-Fa-f:.]{2,45})\]"
)
_NO_PERSON = ("git", "REDACTED")
_OUT_OF_AUTHORITY = Pattern(r"[\s/?#\"'<>]")


def _in_authority(text: str, start: int) -> bool:
    """Say whether the sign ends the user info of a URL, which is credentials."""
    before = text[max(start - _LONGEST_USER_INFO, 0) : start]
    scheme = before.rfind("://")
    return scheme >= 0 and _OUT_OF_AUTHORITY.compiled().search(before, scheme + 3) is None


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """Yield each address, read from its sign to both sides."""
    domain_at = _DOMAIN.compiled().match
    in_url = "://" in text
    at = text.find("@")
    while at >= 0:
        domain = domain_at(text, at + 1)
        if domain is not None:
            start = _start(text, at)
            if start < at and text[start:at] not in _NO_PERSON and not (in_url and _in_authority(text, start)):
                yield start, domain.end()
        at = text.find("@", at + 1)


def _start(text: str, at: int) -> int:
    """Return where the local part begins that ends here."""
    first = max(at - _LONGEST_LOCAL, 0)
    before = text[first:at]
    end = len(before)
    if before[-1:] == '"':
        opening = before.rfind('"', 0, end - 1)
        quoted = before[opening + 1 : end - 1]
        return first + opening if opening >= 0 and quoted and quoted[0] not in _NOT_QUOTED else at
    local = before.rstrip(_LOCAL)
    while local[-1:].isalnum():
        local = local[:-1].rstrip(_LOCAL)
    start = len(local)
    if start == end:
        return first + len(before.rstrip(_ODD))
    if before[start - 1 : start] == "'":  # a name such as O'Neil, not the quote of a literal
        name = start - 1
        while name and (before[name - 1] in "._-" or before[name - 1].isalnum()):
            name -= 1
        if name < start - 1 and before[name : start - 1].lower() not in _PREFIXES:
            return first + name
    return first + start


EMAIL = Detector("email", _addresses)
