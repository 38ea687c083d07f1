"""What a start adds is bounded by what can be counted: modules, objects, collections of garbage. Times drift."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.processes import BIN, run

if TYPE_CHECKING:
    from pathlib import Path

FIVE = """
import gc, sys
import fastapi, httpx, sqlalchemy, redis, grpc
print(len(gc.get_objects()), sum(each["collections"] for each in gc.get_stats()))
print(*(name for name in sys.modules if name.startswith("platform_instrument.")))
"""
LATER = (
    "config.file", "distro.deliveries", "distro.diagnosis", "distro.libraries", "privacy.commands", "privacy.detector",
    "privacy.pii", "privacy.sql", "privacy.text", "runtime.metrics", "telemetry.console", "telemetry.delivery",
    "telemetry.exceptions", "telemetry.http_exporter", "telemetry.metrics.exponential", "telemetry.otlp", "telemetry.outlets",
    "telemetry.prometheus", "telemetry.protobuf", "telemetry.resource", "telemetry.self_metrics",
)  # fmt: skip
"""What the first record, call or line needs, and nothing before it."""
MOST_MODULES, MOST_OBJECTS, MOST_COLLECTIONS = 152, 6_500, 17


def test_a_start_with_five_libraries_loads_creates_and_collects_no_more_than_it_did(tmp_path: Path) -> None:
    """A module costs 0.3 million instructions before it does anything; 700 objects cost a collection. gRPC has 17 of them."""
    file = tmp_path / "program.py"
    file.write_text(FIVE)
    plain = run([sys.executable, file]).stdout.splitlines()
    ours = run([BIN / "platform-instrument", sys.executable, file]).stdout.splitlines()
    objects, collections = (int(after) - int(before) for before, after in zip(plain[0].split(), ours[0].split(), strict=True))
    loaded = [name.removeprefix("platform_instrument.") for name in ours[1].split()]
    assert not [name for name in loaded if name.startswith(LATER)]
    assert "instrumentations.sqlalchemy" in loaded
    assert len(loaded) <= MOST_MODULES, loaded
    assert objects <= MOST_OBJECTS
    assert collections <= MOST_COLLECTIONS
