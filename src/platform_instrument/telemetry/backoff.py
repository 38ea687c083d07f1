"""How long to wait before the next attempt: twice as long each time, never all processes at once, never for ever.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-throttling
"""

from __future__ import annotations

from random import Random

_FIRST = 1.0
_LONGEST = 30.0
_LONGEST_ASKED = 300.0
_JITTER = 0.2


class Backoff:
    """Delays in seconds: 1, 2, 4 … 30, each a fifth more or less."""

    __slots__ = ("_next", "_random")

    def __init__(self) -> None:
        self._next = _FIRST
        self._random = Random()  # noqa: S311 - jitter; our own, so that the application's `random.seed` is left alone

    def delay(self, retry_after: float | None = None) -> float:
        """Return the next delay, no less than the collector asked for; what it may ask for is bounded too."""
        delay = self._next * self._random.uniform(1 - _JITTER, 1 + _JITTER)
        self._next = min(self._next * 2, _LONGEST)
        if retry_after is None:
            return delay
        return max(delay, min(retry_after, _LONGEST_ASKED))

    def reset(self) -> None:
        """Begin anew: after a success, and in a fork child, which must not wait in step with its siblings."""
        self._next = _FIRST
        self._random.seed()
