"""Every registry counts its series into the one of the process: here they are of no further concern."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_series_is_left() -> Iterator[None]:
    before = METRICS.count
    yield
    METRICS.count = before
