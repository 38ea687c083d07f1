"""Doctor looks at the way out of logs where the service exports them, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.examination import SILENT, codes, examined, program

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

LOGS = {**SILENT, "OTEL_LOGS_EXPORTER": "otlp"}


def test_where_logs_are_exported_their_collector_is_tried(tmp_path: Path, collector: Collector) -> None:
    file = program(tmp_path, "import logging\nlogging.error('said')\n")
    found, _ = examined("--", "python", file, env=LOGS, collector=collector)
    (export,) = [export for export in found["exports"] if export["signal"] == "logs"]
    assert export["arrives"] is True
    assert export["endpoint"] == f"{collector.url}/v1/logs"
    assert "PI505" not in codes(found)
    assert [log.body for log in collector.logs] == ["said"]


def test_a_default_service_hears_nothing_of_logs(collector: Collector) -> None:
    found, _ = examined(collector=collector)
    assert "logs" not in [export["signal"] for export in found["exports"]]
