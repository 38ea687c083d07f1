"""W3C Baggage: what a service hands on to those it calls, bounded.

Values are percent-encoded as the recommendation says; a plus sign is encoded too, since the SDK reads one as a space.
Source: https://www.w3.org/TR/baggage/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from platform_instrument.core.guard import guard
from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_MEMBERS = 64
MOST_BYTES = 8_192

_token = Pattern(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_octets = Pattern(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*").fullmatch
_SAFE = "!#$&'()*-./:<=>?@[]^_`{|}~"


def parse_baggage(header: str) -> dict[str, str]:
    """Return the members of a header; those that break the rules or the bounds are left out, properties are dropped."""
    members: dict[str, str] = {}
    if len(header) > MOST_BYTES:
        header = header[: MOST_BYTES + 1].rpartition(",")[0]
    for part in header.split(","):
        key, equals, rest = part.partition("=")
        name, value = key.strip(" \t"), rest.partition(";")[0].strip(" \t")
        if equals and _token(name) and _octets(value):
            members[name] = unquote(value)
            if len(members) >= MOST_MEMBERS:
                break
    return members


def format_baggage(members: Mapping[str, Any]) -> str:
    """Return the header for some members; what does not fit, or is no text and has none, is left out."""
    parts: list[str] = []
    length = 0
    for key, value in members.items():
        if not isinstance(key, str) or not _token(key):
            continue
        text = value if type(value) is str else guard("baggage", str, value)
        if text is None:
            continue
        part = f"{key}={quote(text[:MOST_BYTES], safe=_SAFE, errors='replace')}"
        if len(parts) >= MOST_MEMBERS or length + len(part) > MOST_BYTES:
            break
        length += len(part) + 1
        parts.append(part)
    return ",".join(parts)
