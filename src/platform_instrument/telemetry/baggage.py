"""W3C Baggage: what a service hands on to those it calls, bounded.

Source: https://www.w3.org/TR/baggage/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_MEMBERS = 64
MOST_BYTES = 8_192

_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z", re.ASCII).match
_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"


def parse_baggage(header: str) -> dict[str, str]:
    """Return the members of a header; those that break the rules or the bounds are left out, properties are dropped."""
    members: dict[str, str] = {}
    if len(header) > MOST_BYTES:
        header = header[:MOST_BYTES].rpartition(",")[0]
    for part in header.split(","):
        key, equals, rest = part.partition("=")
        name = key.strip(" \t")
        if equals and _token(name):
            members[name] = unquote(rest.partition(";")[0].strip(" \t"))
            if len(members) >= MOST_MEMBERS:
                break
    return members


def format_baggage(members: Mapping[str, str]) -> str:
    """Return the header for some members; what does not fit is left out."""
    parts: list[str] = []
    length = 0
    for key, value in members.items():
        if not _token(key):
            continue
        part = f"{key}={quote(str(value), safe=_SAFE, errors='replace')}"
        length += len(part) + 1
        if len(parts) >= MOST_MEMBERS or length > MOST_BYTES:
            break
        parts.append(part)
    return ",".join(parts)
