"""What was lost on the way out, counted by kind of record and by reason: the numbers of `platform.telemetry.dropped`.

Kept for the life of the process, whatever becomes of the deliveries; a fork child starts from zero.
"""

from __future__ import annotations

QUEUE_FULL = "queue_full"
"""More records waited than the queue holds, or more bytes."""
BUFFER_FULL = "buffer_full"
"""The collector did not answer, and encoded bodies had to give way."""
NOT_ENCODED = "not_encoded"
"""A fault of ours."""
REFUSED = "refused"
"""The collector answered that it does not want the request, now or later."""
REJECTED = "rejected"
"""The collector took the request but not these records."""
PROCESS_ENDED = "process_ended"
"""There was no time left to deliver them."""

_dropped: dict[tuple[str, str], int] = {}


def count(unit: str, reason: str, number: int) -> None:
    """Count records (`unit` is `spans`, `metrics`, …) that were lost for one of the reasons above."""
    key = (unit, reason)
    _dropped[key] = _dropped.get(key, 0) + number


def dropped() -> dict[tuple[str, str], int]:
    """Return the counts by unit and reason."""
    return dict(_dropped)


def reset() -> None:
    """Start from zero: in a fork child."""
    _dropped.clear()
