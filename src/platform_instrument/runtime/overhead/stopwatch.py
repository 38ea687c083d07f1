"""Samples of the time that our own code takes: for a moment now and then its functions are exchanged for timed ones.

A call is some microseconds: the clock of the thread's CPU time would cost as much as what is timed. It is timed by the monotonic
clock, and what lasts long enough to have been interrupted is not added. Between samples the functions are the original ones, and
cost what they cost without a budget. A slice is begun and ended by the worker, in whose thread all of this is called but for the
timed functions themselves.
"""

from __future__ import annotations

import os
import threading
from time import perf_counter_ns, process_time_ns, thread_time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.runtime.overhead.places import places
from platform_instrument.runtime.overhead.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.runtime.overhead.places import Seen, Who

_ROUNDS = 200
_INTERRUPTED = 1_000_000
"""Nanoseconds after which a call was not ours alone: another thread, or another process, had its turn in between."""


class _Here(threading.local):
    """Whether this thread is in a timed function already: what that calls is in its time."""

    inside = False


class Stopwatch:
    """The slices of a window: `tally` is what was seen, `sampled_ns` the application's CPU time in them, with our share of it."""

    def __init__(self) -> None:
        self._here = _Here()
        self._exchanged: list[tuple[Any, str, Any, Any, bool]] = []
        self._read = self._whole = self._calls = 0
        self._at = (0, 0)
        self.opened = False
        self.tally = Tally()
        self.sampled_ns = 0

    def renew(self) -> None:
        """Put everything back, and forget what was seen: in a fork child, too."""
        self._put_back()
        self.opened = False
        self.take()

    def take(self) -> tuple[Tally, int]:
        """Return what was seen since the last time, and the CPU time that it was seen in, in nanoseconds."""
        taken = self.tally, self.sampled_ns
        self.tally, self.sampled_ns = Tally(), 0
        return taken

    def open(self) -> None:
        """Begin a slice."""
        if not self._whole:
            self._calibrate()
        self._calls = 0
        self.opened = True
        for owner, name, who, seen in places(with_worker=greenlets()):
            original = getattr(owner, name, None)
            if original is None:
                continue
            timed = self.timed(original, who, seen)
            own = name in getattr(owner, "__dict__", (name,))
            setattr(owner, name, timed)
            self._exchanged.append((owner, name, original, timed, own))
        self._at = (process_time_ns(), worker_ns())

    def close(self) -> None:
        """End the slice; what is in a timed function now is not counted."""
        process, worker = process_time_ns() - self._at[0], worker_ns() - self._at[1]
        self.opened = False
        self._put_back()
        self.sampled_ns += max(process - worker - self._calls * self._whole, 0)

    def _put_back(self) -> None:
        """Put the original functions back, but where somebody has put another one in the place meanwhile."""
        while self._exchanged:
            owner, name, original, timed, own = self._exchanged.pop()
            if getattr(owner, name, None) is not timed:
                continue
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)  # a method that the attribute hid

    def timed(self, function: Callable[..., Any], who: Who, seen: Seen | None) -> Callable[..., Any]:
        """Return a function that does the same, and takes the time; outside of a slice it does the same alone."""
        here = self._here

        def timed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the function's
            if not self.opened:
                return function(*args, **kwargs)
            if here.inside:
                try:
                    return function(*args, **kwargs)
                finally:
                    if seen is not None:
                        seen(self.tally, args)
            try:
                here.inside = True
                began = perf_counter_ns()
                try:
                    return function(*args, **kwargs)
                finally:
                    self._add(who(args), perf_counter_ns() - began)
                    if seen is not None:
                        seen(self.tally, args)
            finally:
                here.inside = False

        return timed

    def _add(self, name: str, spent: int) -> None:
        share = self.tally.share(name)
        share.calls += 1
        self._calls += 1
        if spent < _INTERRUPTED:
            share.timed += 1
            share.ns += spent - self._read

    def _calibrate(self) -> None:
        """Find what the timing itself costs: inside of what is taken (the clock), and in all."""
        self.opened = True
        timed = self.timed(lambda _: None, lambda _: "calibration", None)
        seen = []
        for _ in range(_ROUNDS):
            before = self.tally.share("calibration").ns
            began = perf_counter_ns()
            timed(None)
            whole = perf_counter_ns() - began
            seen.append((self.tally.share("calibration").ns - before, whole))
        self._read = sorted(read for read, _ in seen)[_ROUNDS // 2]
        self._whole = max(sorted(whole for _, whole in seen)[_ROUNDS // 2] - self._read, 1)
        self.tally = Tally()


def greenlets() -> bool:
    """Say whether the worker shares the system's thread with the application: gevent stands in for threads."""
    return threading.get_native_id() == os.getpid()


def worker_ns() -> int:
    """Return the CPU time of this thread, the worker's, 0 where it is the application's too."""
    return 0 if greenlets() else thread_time_ns()
