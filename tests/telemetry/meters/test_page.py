"""What the application counts stands on the Prometheus page, of all its processes, with exemplars; with views of its own too."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.processes import free_port, run

PROGRAM = Path(__file__).parent / "programs" / "scraped.py"


@pytest.mark.parametrize("whose", ["ours", "views"])
def test_five_and_one_are_six_on_one_page(whose: str) -> None:
    env = {
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(free_port()),
    }
    completed = run(["platform-instrument", sys.executable, "-W", "ignore", PROGRAM, whose], env=env)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert "example.com" not in completed.stdout
    samples = {
        (sample.name, sample.labels.get("le", "")): sample
        for family in text_string_to_metric_families(completed.stdout)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.labels.get("otel_scope_name") == "shop"
    }
    orders, depth, bucket = samples["orders_total", ""], samples["depth", ""], samples["size_bytes_bucket", "10.0"]
    assert (orders.value, orders.labels["otel_scope_version"]) == (6, "1.0")
    assert (depth.value, depth.labels["queue"]) == (3, "a")
    assert bucket.value == 1
    for sample in (orders, bucket):
        assert sample.exemplar is not None
        assert len(sample.exemplar.labels["trace_id"]) == 32
