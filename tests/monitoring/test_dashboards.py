"""Every query of the dashboards and of the rules finds series in what a real service gives a real Prometheus."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import urlopen
from uuid import uuid4

import pytest
import yaml

from docs.alerts import alerts
from docs.instruments import declared
from docs.monitoring import dashboards
from docs.queries import Queries, metric_name
from docs.renamings import rules
from platform_instrument.core.values import HISTOGRAM
from tests.processes import BIN, HOST, Service, door, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERIES = [(one.name, query) for one in dashboards() for query in one.queries()]
RULES = [(rule["alert"], rule["expr"]) for group in alerts()["groups"] for rule in group["rules"]]
RENAMED = [(rule["record"], rule["expr"]) for group in rules()["groups"] for rule in group["rules"]]
_LABELS = {"http_route", "http_method", "http_status_code", "http_scheme", "http_target", "http_flavor"}


def series_of(query: str) -> set[str]:
    """Return the names of the series that a query asks for."""
    without_labels = re.sub(r"by \([^)]*\)|\"[^\"]*\"|\{[^}]*\}", "", query)
    return set(re.findall(r"\b((?:http|db|process|cpython|platform|container)_\w+)", without_labels))


@pytest.fixture(scope="module")
def service(postgres_url: str, redis_url: str) -> Iterator[tuple[Service, int]]:
    """Yield a pre-fork service that has done everything, and the port of its scrapes."""
    port, scrapes = free_port(), free_port()
    env = {
        "TEST_POSTGRES": postgres_url.replace("postgresql://", "postgresql+psycopg://"),
        "TEST_REDIS": redis_url,
        "TEST_KEY": uuid4().hex,
        "TEST_OTHER": f"http://{HOST}:{port}",
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(scrapes),
        "OTEL_TRACES_EXPORTER": "none",
        "PLATFORM_PROBES": "true",
    }
    words, variables = door("command", [BIN / "gunicorn", "-w", "3", "-b", f"{HOST}:{port}", "tests.monitoring.everything:app"])
    with Service(words, port, env={**env, **variables}, cwd=Path(__file__).parent.parent.parent, timeout=60) as running:
        for path in ("/all", "/plain", "/fail", "/missing"):
            running.get(path)
        running.request("POST", "/plain", "body")
        yield running, scrapes


@pytest.fixture(scope="module")
def scraped(service: tuple[Service, int]) -> set[str]:
    """Return the names of all samples of a scrape that the worker which has done everything has answered in time."""
    text, deadline = "", time.monotonic() + 30
    while "http_client_request_duration_seconds_bucket" not in text and time.monotonic() < deadline:
        with urlopen(f"http://{HOST}:{service[1]}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    return {re.split(r"[{ ]", line, maxsplit=1)[0] for line in text.splitlines() if line and not line.startswith("#")}


@pytest.mark.parametrize(("place", "query"), [*QUERIES, *RULES, *RENAMED])
def test_every_query_names_series_that_a_scrape_contains(place: str, query: str, scraped: set[str]) -> None:
    asked = series_of(query) - _LABELS
    assert asked, place
    assert asked - scraped == set()


def test_every_metric_that_a_service_gives_is_declared(scraped: set[str]) -> None:
    known = {"target_info"}
    for instrument in declared().values():
        suffixes = ("_bucket", "_count", "_sum") if instrument.kind == HISTOGRAM else ("",)
        known.update(metric_name(instrument, suffix) for suffix in suffixes)
    assert {name for name in scraped if not name.endswith("_created")} - known == set()


def test_a_query_for_what_does_not_exist_cannot_be_written() -> None:
    with pytest.raises(KeyError, match=r"has no attribute http\.target"):
        Queries("", "5m").rate(declared()["http.server.request.duration"], "http.target")


def test_the_names_in_a_query_are_found() -> None:
    query = 'sum by (http_route) (rate(http_server_x_total{job=~"http_y",le="1"}[5m])) / process_z'
    assert series_of(query) == {"http_server_x_total", "process_z"}


@pytest.mark.parametrize("dashboard", dashboards(), ids=lambda one: one.name)
def test_the_panels_of_a_dashboard_fit_the_grid(dashboard: Any) -> None:
    model = json.loads(json.dumps(dashboard.model()))
    taken: set[tuple[int, int]] = set()
    for panel in model["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in model["panels"]}) == len(model["panels"])


def test_a_real_prometheus_answers_every_query(service: tuple[Service, int], tmp_path: Path) -> None:
    program, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if program is None or promtool is None:
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    running, scrapes = service
    for name, content in (("alerts.yaml", alerts()), ("migration.yaml", rules())):
        (tmp_path / name).write_text(yaml.safe_dump(content))
        subprocess.run([promtool, "check", "rules", tmp_path / name], check=True, capture_output=True)
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["alerts.yaml", "migration.yaml"],
        "scrape_configs": [{"job_name": "everything", "static_configs": [{"targets": [f"{HOST}:{scrapes}"]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    argv = [
        program,
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address={HOST}:{port}",
    ]
    with Service(argv, port, timeout=30) as prometheus:
        deadline = time.monotonic() + 60
        missing = {query: "" for _, query in [*QUERIES, *((record, record) for record, _ in RENAMED)]}
        while missing and time.monotonic() < deadline:
            for path in ("/all", "/plain", "/fail", "/missing"):
                running.get(path)
            running.request("POST", "/plain", "body")
            time.sleep(1)
            for query in list(missing):
                text = query.replace("$__rate_interval", "1m").replace("$job", ".*")
                status, body, _ = prometheus.get(f"/api/v1/query?{urlencode({'query': text})}")
                assert status == 200, body
                if json.loads(body)["data"]["result"]:
                    del missing[query]
        assert missing == {}
