"""What came of one attempt to deliver, and what a collector's answer says, read without a protobuf library.

Source: https://github.com/open-telemetry/opentelemetry-proto (collector/trace/v1 and its siblings, which agree).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST_REASON = 200
_SHORTEST_SECRET = 6
"""Characters of a header's value from which on it may be a secret: a shorter one may stand anywhere by chance."""
_CONTINUES = 0x80
_INT64 = 1 << 63


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt: `retry_after` is in seconds, None where the collector did not ask; `rejected` counts records.

    `reason` says why in words for people, empty after a full success; it never holds a header or a body of ours.
    """

    delivered: bool
    retryable: bool = False
    reason: str = ""
    retry_after: float | None = None
    rejected: int = 0
    interrupted: bool = False
    """Whether nothing is known yet: the attempt was left, and goes on with the next call for the same body."""


def accepted(answer: bytes) -> Outcome:
    """Return the outcome of a success, whose answer may say that some records were rejected; nonsense counts as none."""
    try:
        partial = next((body for number, body in fields(answer) if number == 1 and isinstance(body, bytes)), b"")
        found = dict(fields(partial))
    except (ValueError, IndexError):
        return Outcome(delivered=True)
    rejected, message = found.get(1, 0), found.get(2, b"")
    if not isinstance(rejected, int) or not isinstance(message, bytes):
        return Outcome(delivered=True)
    return Outcome(delivered=True, reason=readable(message), rejected=rejected if 0 < rejected < _INT64 else 0)


def fit_to_be_said(outcome: Outcome, headers: Mapping[str, str]) -> Outcome:
    """Return an outcome whose reason, a collector's word maybe, is short and repeats no header that it was sent."""
    reason = outcome.reason[: 4 * _LONGEST_REASON]
    for value in headers.values():
        for secret in (value, *value.split()):
            if len(secret) >= _SHORTEST_SECRET:
                reason = reason.replace(secret, "***")
    reason = reason[:_LONGEST_REASON]
    return outcome if reason == outcome.reason else replace(outcome, reason=reason)


def readable(message: bytes) -> str:
    """Return what a collector says, as text that is not too long to look for secrets in."""
    return message[: 4 * _LONGEST_REASON].decode("utf-8", "replace")


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a protobuf message; `ValueError` or `IndexError` where it is none."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        wire_type = tag & 7
        if wire_type == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        if wire_type == 2:  # noqa: PLR2004 - length-delimited
            length, at = _varint(message, at)
        elif wire_type in {1, 5}:
            length = 8 if wire_type == 1 else 4
        else:
            message = "a protobuf group"  # type: ignore[assignment] # the text of the error
            raise ValueError(message)
        if at + length > len(message):
            raise IndexError(at)
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number and where the next field begins."""
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < _CONTINUES:
            return number, at
        shift += 7
        if shift > 63:  # noqa: PLR2004 - no varint is longer
            raise ValueError(at)
