"""Which libraries of the process are instrumented, in which versions: one series each, whose value is 1."""

from __future__ import annotations

from platform_instrument.core.values import GAUGE, Instrument
from platform_instrument.engine.apply import APPLIED, PATCHED
from platform_instrument.runtime.metrics.series import series

LIBRARY = Instrument(
    "platform.library.info",
    "A library that is instrumented; the value is 1.",
    unit="",
    kind=GAUGE,
    constant=("platform.library.name", "platform.library.version"),
    merged="max",
    observable=True,
)


def observe() -> None:
    """Name the libraries that are patched now; a process has few, and each has one version."""
    for applied in list(APPLIED.values()):
        cell = series(LIBRARY, ("platform.library.name", applied.name), ("platform.library.version", applied.version))
        if applied.status == PATCHED:
            cell.put(1)
        else:
            cell.touched = False
