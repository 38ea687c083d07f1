"""What the application registered with `prometheus_client` is on the same page, where that is asked for, without loading anything."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import prometheus_client
import pytest

from platform_instrument.core.values import COUNTER, GAUGE
from platform_instrument.telemetry.metrics.registry import Metrics
from platform_instrument.telemetry.ports.complaints import forget
from platform_instrument.telemetry.prometheus.page import page
from tests.processes import run
from tests.telemetry.prometheus.scraping import key, metric, read, scraped, taken

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = pytest.mark.parametrize("openmetrics", [True, False], ids=["openmetrics", "text"])

CHILD = """
import os
import prometheus_client
jobs = prometheus_client.Counter("app_jobs", "Jobs.", ["kind"])
seconds = prometheus_client.Histogram("app_seconds", "Seconds.", buckets=(1, 2))
for _ in range(2):
    if not os.fork():
        jobs.labels("book").inc(3)
        seconds.observe(1.5)
        os._exit(0)
    os.wait()
jobs.labels("book").inc()
from platform_instrument.telemetry.prometheus.page import page
print(page([], openmetrics=True, resource={}, client_registry=True).decode(), end="")
"""

GONE = """
import os, shutil
import prometheus_client
prometheus_client.Counter("app_jobs", "Jobs.").inc()
shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"])
from platform_instrument.telemetry.prometheus.page import page
for _ in range(2):
    print(page([], openmetrics=True, resource={}, client_registry=True).decode(), end="")
"""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> prometheus_client.CollectorRegistry:
    """Return a registry in place of the default one."""
    forget()
    made = prometheus_client.CollectorRegistry()
    monkeypatch.setattr(prometheus_client, "REGISTRY", made)
    return made


@FORMATS
def test_the_application_s_metrics_are_on_the_page(
    registry: prometheus_client.CollectorRegistry,
    openmetrics: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    prometheus_client.Counter("app_jobs", "Jobs.", ["kind"], registry=registry).labels("book").inc(
        3, exemplar={"trace_id": "abc"}
    )
    prometheus_client.Info("app", "The application.", registry=registry).info({"version": "1"})
    metrics = Metrics()
    metric(metrics, COUNTER, "orders").cell(()).add(1)
    families = scraped(metrics, openmetrics=openmetrics, client_registry=True)
    assert families["app_jobs"].samples[key("app_jobs_total", {"kind": "book"})] == 3
    assert families["app" if openmetrics else "app_info"].samples == {key("app_info", {"version": "1"}): 1}
    assert "orders" in families


def test_they_are_not_where_nobody_asks(registry: prometheus_client.CollectorRegistry) -> None:
    prometheus_client.Counter("app_jobs", "Jobs.", registry=registry).inc()
    assert scraped([]) == {}


@FORMATS
def test_what_has_a_name_of_ours_is_left_out(
    registry: prometheus_client.CollectorRegistry,
    openmetrics: bool,  # noqa: FBT001 - a parameter of the test
    capfd: pytest.CaptureFixture[str],
) -> None:
    prometheus_client.Gauge("level", "Level.", registry=registry).set(7)
    prometheus_client.Info("target", "Target.", registry=registry).info({"a": "b"})
    prometheus_client.Gauge("other", "Other.", registry=registry).set(8)
    metrics = Metrics()
    metric(metrics, GAUGE, "level").cell(()).put(1)
    for _ in range(2):
        families = scraped(metrics, openmetrics=openmetrics, client_registry=True, resource={"service.name": "shop"})
    assert list(families["level"].samples.values()) == [1]
    assert list(families["other"].samples.values()) == [8]
    assert len(capfd.readouterr().err.splitlines()) == 2


def test_names_filter_them_too(registry: prometheus_client.CollectorRegistry) -> None:
    for name in ("app_jobs", "app_errors"):
        prometheus_client.Counter(name, "Jobs.", registry=registry).inc()
    assert set(scraped([], client_registry=True, names={"app_jobs_total"})) == {"app_jobs"}


@pytest.mark.faults
def test_a_collector_that_fails_takes_nothing_of_ours_with_it(registry: prometheus_client.CollectorRegistry) -> None:
    class Failing:
        """A collector of the application's."""

        def collect(self) -> list[prometheus_client.Metric]:
            raise RuntimeError("planted")

        def describe(self) -> list[prometheus_client.Metric]:
            return []

    registry.register(Failing())
    metrics = Metrics()
    metric(metrics, COUNTER, "orders").cell(()).add(1)
    assert set(read(page(taken(metrics), openmetrics=True, resource={}, client_registry=True), openmetrics=True)) == {"orders"}


def test_with_a_directory_of_many_processes_all_of_them_are_on_the_page(tmp_path: Path) -> None:
    done = run([sys.executable, "-c", CHILD], env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)})
    families = read(done.stdout.encode(), openmetrics=True)
    assert families["app_jobs"].samples == {key("app_jobs_total", {"kind": "book"}): 7}
    assert families["app_seconds"].samples[key("app_seconds_count", {})] == 2


def test_a_directory_that_is_gone_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = run([sys.executable, "-c", GONE], env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "gone")})
    assert done.stdout == "# EOF\n" * 2
    (line,) = done.stderr.splitlines()
    assert "PROMETHEUS_MULTIPROC_DIR" in line


def test_nothing_is_loaded_where_the_application_has_not() -> None:
    program = (
        "import sys\nfrom platform_instrument.telemetry.prometheus.page import page\n"
        "page([], openmetrics=True, resource={}, client_registry=True)\n"
        "print([name for name in sys.modules if name.startswith('prometheus_client')])"
    )
    assert run([sys.executable, "-c", program]).stdout == "[]\n"
