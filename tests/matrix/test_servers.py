"""The rows of one area, beside those of others; see `rows`."""

from __future__ import annotations

import pytest

from tests.matrix.rows import holds, names


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", names("servers"))
def test_an_instrumentation_holds_for(name: str) -> None:
    holds(name)
