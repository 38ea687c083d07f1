"""W3C Trace Context: `traceparent` and `tracestate`, to the letter.

Source: https://www.w3.org/TR/trace-context-2/
"""

from __future__ import annotations

import re

from platform_instrument.privacy.patterns import Pattern

_LENGTH = 55
_KNOWN_FLAGS = 0x03
_MOST_MEMBERS = 32
_LONGEST_STATE = 512
_LONGEST_MEMBER = 128
_LONGEST_HEADER = 16_384

_parent = re.compile(
    r"[ \t]*(?!ff|00.{53}-)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?[ \t]*\Z", re.ASCII
).match
_key = Pattern(r"[a-z0-9][a-z0-9_\-*/@]{0,255}").fullmatch
_value = Pattern(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]").fullmatch


def parse_traceparent(header: str) -> tuple[int, int, int] | None:
    """Return trace id, span id and flags, None where the header is not valid.

    A version from the future may be longer, the one we know may not.
    """
    match = _parent(header)
    if match is None:
        return None
    trace, span, flags = match.groups()
    trace_id, span_id = int(trace, 16), int(span, 16)
    if not trace_id or not span_id:
        return None
    return trace_id, span_id, int(flags, 16) & _KNOWN_FLAGS


def format_traceparent(trace_id: int, span_id: int, flags: int) -> str:
    """Return the header for a span."""
    return f"00-{trace_id:032x}-{span_id:016x}-{flags & _KNOWN_FLAGS:02x}"


def parse_tracestate(header: str) -> str:
    """Return the state as it is passed on, empty where it breaks the rules.

    Of members with one key the first stays, which was written last. Long states lose whole members: first those over 128
    characters, then from the end.
    """
    if len(header) > _LONGEST_HEADER:
        return ""
    members: dict[str, str] = {}
    for part in header.split(","):
        member = part.strip(" \t")
        if not member:
            continue
        key, equals, value = member.partition("=")
        if not equals or not _key(key) or not _value(value):
            return ""
        members.setdefault(key, member)
    if len(members) > _MOST_MEMBERS:
        return ""
    kept = list(members.values())
    if len(",".join(kept)) > _LONGEST_STATE:
        kept = [member for member in kept if len(member) <= _LONGEST_MEMBER]
    while len(",".join(kept)) > _LONGEST_STATE:
        kept.pop()
    return ",".join(kept)
