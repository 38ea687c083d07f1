"""Random trace and span ids, from a generator of our own: the application's `random.seed` neither makes them repeat nor
is disturbed by them.

Source: https://www.w3.org/TR/trace-context-2/#random-trace-id-flag
"""

from __future__ import annotations

from random import Random
from typing import Protocol


class IdGenerator(Protocol):
    """The OpenTelemetry SDK's id generator, as far as we ask it."""

    def generate_trace_id(self) -> int:
        """Return 128 random bits."""

    def generate_span_id(self) -> int:
        """Return 64 random bits."""


_random = Random()  # noqa: S311 - ids are not secrets
_bits = _random.getrandbits


def new_trace_id() -> int:
    """Return 128 random bits, never zero."""
    return _bits(128) or new_trace_id()


def new_span_id() -> int:
    """Return 64 random bits, never zero."""
    return _bits(64) or new_span_id()


def reseed() -> None:
    """Take fresh random state from the system: in a fork child, which else repeats its siblings' ids."""
    _random.seed()


def use(generator: IdGenerator) -> None:
    """Take the ids from somebody else's generator (`OTEL_PYTHON_ID_GENERATOR`)."""
    globals().update(new_trace_id=generator.generate_trace_id, new_span_id=generator.generate_span_id)
