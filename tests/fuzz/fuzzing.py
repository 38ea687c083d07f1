"""How a parser of foreign bytes is fuzzed: the same examples each time in the fast suite, new ones in the long run.

Of every example: the parser returns, and takes no longer than a bound of the processor's time, whatever it is given.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_FEW, _MANY = 25, 250
"""Examples of the short run, and of one round of the long one."""
_MOST_SECONDS = 0.25
"""Seconds of the processor for one example: a text of 60,000 characters that is read in quadratic time takes minutes."""
_CHECKS = list(HealthCheck)
_SHORT = settings(max_examples=_FEW, derandomize=True, database=None, deadline=None, suppress_health_check=_CHECKS)
_LONG = settings(max_examples=_MANY, deadline=None, suppress_health_check=_CHECKS)


def fuzzed(strategy: st.SearchStrategy[T], *examples: T) -> Callable[[Callable[[T], None]], Callable[[float], None]]:
    """Make a test of what has to hold for every value of a strategy; `examples` are tried first, each time."""

    def decorate(check: Callable[[T], None]) -> Callable[[float], None]:
        def timed(value: Any) -> None:
            spent: list[float] = []
            while not spent or (min(spent) > _MOST_SECONDS and len(spent) < 3):
                began = time.thread_time()
                check(value)
                spent.append(time.thread_time() - began)
            assert min(spent) <= _MOST_SECONDS, f"{min(spent):.2f} s of the processor"

        timed.__name__ = timed.__qualname__ = check.__name__
        timed.__module__ = check.__module__
        for each in examples:
            timed = example(value=each)(timed)

        def tried(how: settings) -> None:
            how(given(value=strategy)(timed))()

        def test(share: float) -> None:
            if not share:
                tried(_SHORT)
                return
            until = time.monotonic() + share
            while time.monotonic() < until:
                tried(_LONG)

        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        return test

    return decorate


ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
"""Any text of Python, lone surrogates too."""
LATIN = st.text(st.characters(max_codepoint=255), max_size=200)
"""A text as servers make it of a header's bytes."""
_CONTROL = (
    "\r\n",
    "\r\nSet-Cookie: a=b",
    "\0",
    "\x1b[31m",
    "\x7f",
    "\t",
    " ",
    "\u2028",
    "é",
    "\ud800",
    "%0d%0a",
    "%",
    "%FF",
    "\\",
)
_LATIN_CONTROL = (*tuple(piece for piece in _CONTROL if piece.isascii()), "é", "\xa0", "\x85")


def texts(*pieces: str, anything: st.SearchStrategy[str] = ANY) -> st.SearchStrategy[str]:
    """Return any text, texts made of these pieces and of what is dangerous in headers and lines, and very long repetitions."""
    strange = _LATIN_CONTROL if anything is LATIN else _CONTROL
    words = st.sampled_from([*pieces, *strange])
    mixed = st.lists(words | anything.map(lambda text: text[:4]), max_size=30).map("".join)
    repeated = st.builds(
        lambda units, count: "".join(units) * count, st.lists(words, min_size=1, max_size=3), st.sampled_from([50, 3_000, 20_000])
    )
    return anything | mixed | repeated.map(lambda text: text[:60_000])


def headers(*pieces: str) -> st.SearchStrategy[str]:
    """Return the same as servers make it of a header's bytes."""
    return texts(*pieces, anything=LATIN)
