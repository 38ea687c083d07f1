"""A line a minute that says how many lines of which template were left out, where those would have been.

It is said by a thread of its own: a handler that waits, for a lock or for who reads its output, keeps neither our worker nor
the end of the process. What cannot be said there is said on standard error.
"""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.logs.sampling import NEVER, SAYING
from platform_instrument.telemetry.threads import wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from platform_instrument.telemetry.logs.sampling import Bucket, Sampler
    from platform_instrument.telemetry.worker import Worker

EVERY = 60.0
"""Seconds from the first line that is left out to the word on it."""
_PATIENCE = 0.5
"""Seconds that the end of a process waits for who says it, twice at most."""
_MOST_TOLD = 20
"""Templates in one line, and lines at a time; of the others it is said how many there are."""
_LONGEST_TITLE = 100

Line = tuple["Bucket", int, str]
"""Whose voice says it, at which level, and what."""


class Summary:
    """Tells what a sampler has left out; looked after by the worker."""

    def __init__(self, sampler: Sampler, worker: Worker, *, exported: bool) -> None:
        self._sampler = sampler
        self._worker = worker
        self._exported = exported
        """Whether what is left out is missing in what is exported, too."""
        self.on_round: Callable[[], object] = bool
        """Called when the first line of a round is left out."""
        self.renew()
        sampler.begin = self._begin

    def renew(self) -> None:
        """Start from zero: in a fork child."""
        self._sampler.renew()
        self._telling = threading.Lock()
        self._lines: deque[Line] = deque()
        self._thread: threading.Thread | None = None
        self._saying = threading.Lock()
        """Held by the thread while it has something to say: gevent's may pass for alive when they have ended."""

    def _begin(self) -> None:
        """Have the worker look after us: the first line of a round was left out."""
        guard("summary of a log", self.on_round)
        worker = self._worker
        if worker.awaited:
            worker.start()
        elif not worker.called:
            worker.wake()

    def turn(self) -> float | None:
        """Tell what is due; return the seconds until something is, None where nothing was left out."""
        began = self._sampler.round_began
        if began is NEVER:
            return None
        left = began + EVERY - monotonic()
        if left > EVERY:  # the clock was frozen, at another time
            self._sampler.round_began = monotonic()
        if left > 0 or self._saying.locked():
            return max(left, 1.0)
        self._tell()
        return None

    def last(self) -> None:
        """Tell all that was left out: this may be the last chance."""
        self._wait(_PATIENCE)
        self._tell()
        self._wait(_PATIENCE)
        while self._lines:
            _on_standard_error(self._lines.popleft()[2])

    def before_fork(self, seconds: float) -> None:
        """Have no thread."""
        thread = self._thread
        if thread is not None and self._wait(seconds):
            self._thread = None
            wait_until_gone(thread)

    def _wait(self, seconds: float) -> bool:
        """Wait until nothing is being said; say whether that is so."""
        if not self._saying.acquire(timeout=seconds):
            return False
        self._saying.release()
        return True

    def _tell(self) -> None:
        """Say what was left out so far, in a thread, or here where none can be started any more."""
        if not self._telling.acquire(timeout=_PATIENCE):
            return
        try:
            self._lines.extend(self._collected())
        finally:
            self._telling.release()
        if not self._lines or self._saying.locked():
            return
        self._saying = threading.Lock()  # anew: the thread may be a greenlet since gevent came
        self._saying.acquire()
        self._thread = threading.Thread(target=self._say, args=(self._saying,), name="platform-instrument-log", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter is ending
            self._thread = None
            self._say(self._saying)

    def _say(self, saying: threading.Lock) -> None:
        try:
            guard("summary of a log", self._say_lines)
        finally:
            saying.release()

    def _say_lines(self) -> None:
        """Say line by line; each is taken off when it is said. Where the lines are exported, they are not missing there."""
        token, said = CURRENT.set(None if self._exported else Ambient(families=SUPPRESSED)), SAYING.set(True)
        try:
            while self._lines:
                bucket, level, text = self._lines[0]
                if bucket.voice is None or not bucket.voice(level, text):
                    _on_standard_error(text)
                if self._lines:
                    self._lines.popleft()
        finally:
            SAYING.reset(said)
            CURRENT.reset(token)

    def _collected(self) -> list[Line]:
        """Return what is to be said: a line for each logger, the one that misses most first."""
        sampler, began = self._sampler, self._sampler.round_began
        sampler.round_began = NEVER  # first: what is left out from here on begins another round
        by_logger: dict[Any, list[tuple[int, Bucket]]] = {}
        for bucket in (*list(sampler.buckets.values()), *list(sampler.forgotten)):
            omitted = bucket.omitted
            number, bucket.told = omitted - bucket.told, omitted
            if number:
                by_logger.setdefault((type(bucket.voice), bucket.logger), []).append((number, bucket))
        sampler.clear()
        if not by_logger:
            return []
        told = sorted(by_logger.values(), key=_sum, reverse=True)
        seconds = max(round(monotonic() - began), 1)
        rest = [each for others in told[_MOST_TOLD:] for each in others]
        lines = [_line(items, seconds) for items in told[:_MOST_TOLD]]
        return [*lines, _line(rest, seconds)] if rest else lines


def _sum(items: Iterable[tuple[int, Bucket]]) -> int:
    return sum(number for number, _ in items)


def _line(items: list[tuple[int, Bucket]], seconds: int) -> Line:
    """Return one line on what several buckets have left out."""
    items.sort(key=lambda item: item[0], reverse=True)
    told = [f"{number} {bucket.level_name} {_short(bucket.title)}" for number, bucket in items[:_MOST_TOLD]]
    others = items[_MOST_TOLD:]
    if others:
        told.append(f"{_sum(others)} like {len(others)} others")
    level = max(bucket.level for _, bucket in items)
    text = f"{_sum(items)} lines left out within {seconds} s by PLATFORM_LOG_SAMPLE: {'; '.join(told)}"
    return items[0][1], level, text


def _short(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else f"{title[:_LONGEST_TITLE]}..."


def _on_standard_error(text: str) -> None:
    from platform_instrument.privacy import mask  # what is said elsewhere is masked there

    say(mask(text))
