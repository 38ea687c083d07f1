"""The metric of what a process depends on: 1 where it is up, 0 where it is down, absent while nobody knows."""

from __future__ import annotations

from typing import Any

from platform_instrument.core.values import GAUGE, Instrument
from platform_instrument.runtime.health.checker import CHECKER
from platform_instrument.telemetry.door import mask_attribute
from platform_instrument.telemetry.metrics.registry import METRICS

UP = Instrument(
    "platform.dependency.up",
    "Whether what the service depends on answers its checks: 1, or 0. Of several processes, the one that sees it worst.",
    unit="",
    kind=GAUGE,
    constant=("platform.dependency.name", "platform.dependency.type"),
    merged="min",
    observable=True,
)

_shown: set[tuple[tuple[str, Any], ...]] = set()
"""The series of the last collection."""


def observe() -> None:
    """Say how every check stands; who is gone is retired."""
    found: dict[tuple[tuple[str, Any], ...], int] = {}
    for check in CHECKER.checks.copy().values():
        if not check.startup and check.up is not None:
            name, kind = UP.constant
            found[(name, mask_attribute(name, check.name)), (kind, check.kind)] = int(check.up)
    metric = METRICS.metric(UP)
    for pairs, value in found.items():
        metric.cell(pairs).put(value)
    for pairs in _shown - found.keys():
        metric.retire(pairs)
    _shown.clear()
    _shown.update(found)
