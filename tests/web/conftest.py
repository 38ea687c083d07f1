"""What the adapters are tested with by themselves: a process whose pipeline sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platform_instrument.config.schema import Settings
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.telemetry.span import Span


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Span]]:
    """Return the spans that end; afterwards none is current."""
    spans: list[Span] = []
    if pipeline.PIPELINE is None:
        monkeypatch.setattr(pipeline, "PIPELINE", pipeline.Pipeline(Settings()))
    monkeypatch.setattr(pipeline.PIPELINE, "ended", spans.append)
    yield spans
    assert CURRENT.get() is None
