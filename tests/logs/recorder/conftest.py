"""What is shared by the tests of the flight recorder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.logs.recorder.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Return a logger at INFO with one handler."""
    made = Shop()
    yield made
    made.forget()
