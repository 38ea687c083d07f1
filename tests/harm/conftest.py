"""The fixture of every test of a situation."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.harm.situations import Sides

for _number in (signal.SIGHUP, signal.SIGQUIT):  # a shell that runs the tests in the background has them ignored, by children too
    signal.signal(_number, signal.SIG_DFL)

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector


@pytest.fixture
def sides(tmp_path: Path, collector: Collector) -> Sides:
    """Return where a situation is run plain and under us."""
    folder = tmp_path / "sides"
    folder.mkdir()
    return Sides(folder, collector)
