"""Random trace and span ids, from a generator of our own.

The application's `random.seed` neither makes them repeat nor is disturbed by them.
Source: https://www.w3.org/TR/trace-context-2/#random-trace-id-flag
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Protocol

from platform_instrument.core.guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM = 2
"""The trace flag that says: the lower 56 bits of the trace id are random."""

ROOT_FLAGS = RANDOM
"""The flags of a new trace before it is sampled."""


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


def random_bits(number: int) -> int:
    """Return so many random bits."""
    return _bits(number)


_OWN = (new_trace_id, new_span_id)


def reseed() -> None:
    """Take fresh random state from the system: in a fork child, which else repeats its siblings' ids."""
    _random.seed()


def use(generator: IdGenerator) -> None:
    """Take the ids from somebody else's generator (`OTEL_PYTHON_ID_GENERATOR`)."""
    own_trace_id, own_span_id = _OWN

    def trace_id() -> int:
        return guard("id generator", generator.generate_trace_id) or own_trace_id()

    def span_id() -> int:
        return guard("id generator", generator.generate_span_id) or own_span_id()

    is_random = getattr(generator, "is_trace_id_random", None)
    _put(trace_id, span_id, RANDOM if is_random is not None and guard("id generator", is_random) else 0)


def use_later(make: Callable[[], IdGenerator | None]) -> None:
    """Take the ids from a generator that is made when the first is needed; from ours where it cannot be made."""

    def made() -> None:
        _put(*_OWN, RANDOM)
        generator = make()
        if generator is not None:
            use(generator)

    def first_trace_id() -> int:
        made()
        return new_trace_id()

    def first_span_id() -> int:
        made()
        return new_span_id()

    _put(first_trace_id, first_span_id, 0)


def _put(trace_id: Callable[[], int], span_id: Callable[[], int], root_flags: int) -> None:
    globals().update(new_trace_id=trace_id, new_span_id=span_id, ROOT_FLAGS=root_flags)
