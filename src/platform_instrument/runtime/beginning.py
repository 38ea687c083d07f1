"""When the metrics of the runtime begin: with the first collection of a process, and in a server when it begins to serve.

A program that records nothing pays for none of it, and sends none of it.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import guard
from platform_instrument.telemetry import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.config.schema import Settings


ON_SERVING: list[Callable[[], object]] = []
"""Called in a process that begins to serve."""

ON_RENEWED: list[Callable[[], object]] = []
"""Called where a worker begins anew whose fork Python has not seen."""


class _Beginning:
    """What is prepared in this process."""

    prepared = False
    after_fork: Callable[[], None] | None = None
    """What is to be done in a fork child, None before anything was asked of the runtime."""
    collected_before: list[Mapping[str, int]]
    """What the garbage collector had done when this process was forked: its statistics go on from the parent's."""


_Beginning.collected_before = []


def prepare(settings: Settings) -> None:
    """Let the metrics of the runtime begin with the first collection; once a process, fork children inherit it."""
    current = pipeline.PIPELINE
    if _Beginning.prepared or current is None or not settings.runtime_metrics or settings.metrics_exporter == ("none",):
        return
    _Beginning.prepared = True
    around_fork(child=renew)
    current.preparations.append(_begin)


def serving() -> None:
    """Have a worker in a process that begins to serve: what it does without a request is told too."""
    current = pipeline.PIPELINE
    if _Beginning.prepared and current is not None:
        current.worker.start()
    for action in ON_SERVING:
        guard("serving", action)


def _begin() -> None:
    if _Beginning.after_fork is None:
        from platform_instrument.runtime.metrics import observers  # by the worker, not at start

        _Beginning.after_fork = observers.begin(_Beginning.collected_before)


def renew() -> None:
    """Begin anew in a fork child."""
    _Beginning.collected_before[:] = gc.get_stats()
    if _Beginning.after_fork is not None:
        _Beginning.after_fork()
    for action in ON_RENEWED:
        guard("begin anew", action)
