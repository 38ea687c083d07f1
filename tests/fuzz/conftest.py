"""How long each property is fuzzed: a moment in the fast suite; in the long run its share of `PLATFORM_FUZZ_SECONDS`."""

from __future__ import annotations

import os

import pytest

_SECONDS = float(os.environ.get("PLATFORM_FUZZ_SECONDS", "60"))
"""For all properties together."""
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


@pytest.fixture(params=["short", pytest.param("long", marks=pytest.mark.slow)])
def share(request: pytest.FixtureRequest) -> float:
    """Return the seconds that a property has; 0 for the short run."""
    if request.param == "short":
        return 0.0
    properties = sum("share" in getattr(item, "fixturenames", ()) for item in request.session.items)
    return _SECONDS * _WORKERS / max(properties, 1)
