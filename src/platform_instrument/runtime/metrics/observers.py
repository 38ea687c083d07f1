"""Everything that is asked of the runtime before each collection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from platform_instrument.runtime.metrics import container, garbage, libraries, process, threads
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def begin(collected_before: Sequence[Mapping[str, int]]) -> Callable[[], None]:
    """Ask from now on; return what is to be called in a fork child.

    `collected_before` is what the garbage collector had done when this process was forked, kept up to date.
    """
    garbage.PAUSES.begin()
    collected = partial(garbage.observe, collected_before)
    METRICS.observers.extend((process.observe, collected, threads.observe, container.observe, libraries.observe))
    return garbage.PAUSES.after_fork
