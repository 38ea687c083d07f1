"""Sampling of log lines in this process: begun by the first library that logs, ended with a last word on what was left out."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.runtime import leaving
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.logs.record import UNPRINTED
from platform_instrument.telemetry.logs.sampling import Sampler
from platform_instrument.telemetry.logs.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable

_BEFORE_EVERYTHING = 100
"""The priority of our finalizer in a multiprocessing child: before those that end queues."""


class Sampling:
    """What is sampled in this process: the lines that are printed, the records that are exported, or both."""

    def __init__(self, running: pipeline.Pipeline) -> None:
        settings = running.settings
        self.sampler = Sampler(settings)
        self.printed = settings.log_sample
        self.exported = settings.log_sample_otlp
        self.logs = running.logs
        """Where records are exported; None where they are not."""
        self._summary = Summary(self.sampler, running.worker, exported=self.exported)
        self._summary.on_round = self._be_first_at_exit
        running.errands.run.append(self._summary)
        leaving.AT_THE_END.append(self.sampler.stop)
        leaving.LAST_WORDS.append(self._summary.last)
        leaving.LET_GO.append(self.sampler.renew)
        self._finalizer: Any = None

    def unprinted(self, library: str) -> Callable[..., None] | None:
        """Return what exports a line of a library that is left out where lines are printed; None where nothing does."""
        return None if self.exported else UNPRINTED.get(library)

    def end(self) -> None:
        """Leave nothing out any more, and say what was."""
        self.sampler.stop()
        guard("last words", self._summary.last)

    def _be_first_at_exit(self) -> None:
        """See to it that the last word is said before those who would print it are gone: listeners of queues, loguru's sinks.

        Who registers last is called first. In a child of multiprocessing the feeders of its queues end before that.
        """
        atexit.unregister(self.end)
        atexit.register(self.end)
        process: Any = sys.modules.get("multiprocessing.process")
        if process is None or process.parent_process() is None:
            return
        from multiprocessing.util import Finalize  # which a child has loaded

        if self._finalizer is not None:
            self._finalizer.cancel()
        self._finalizer = Finalize(None, self.end, exitpriority=_BEFORE_EVERYTHING)


_made: list[Sampling] = []
"""The first counts."""


def sampling() -> Sampling | None:
    """Return the sampling of this process, begun with the first call; None where there is no pipeline."""
    running: Any = pipeline.PIPELINE
    if not _made and running is not None:
        _made.append(Sampling(running))
    return _made[0] if _made else None
