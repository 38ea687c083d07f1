"""The measurements measure what they say: spans are counted, requests are counted, ratios are taken within a round."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import history, load, report, serving, surroundings
from benchmarks.environments import BARE, OURS, VANILLA
from platform_instrument.telemetry.otlp import SpanEncoder
from tests.instrumentations.recording import inside
from tests.processes import Service, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    """Return a server that answers each request with 200 on a connection that stays open."""
    port = free_port()
    program = (
        "import asyncio, functools\nfrom benchmarks.surroundings import Connection, agree\n"
        "async def main():\n"
        f"    await asyncio.get_running_loop().create_server(functools.partial(Connection, agree), '127.0.0.1', {port})\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with Service([sys.executable, "-c", program], port, cwd=ROOT) as running:
        yield running


def test_the_collector_counts_spans() -> None:
    with inside() as one, inside() as other:
        one.end_ns = one.start_ns + 1_000
        other.end_ns = other.start_ns + 1_000
    body = SpanEncoder({"service.name": "bench"}).encode([one, other])
    before = surroundings.received["spans"]
    surroundings.collect("/v1/traces", body)
    assert surroundings.received["spans"] - before == 2


def test_chunked_bodies_are_joined() -> None:
    assert surroundings.joined(b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n") == b"abc0123456789abcdef"


def test_the_load_generator_of_our_own_counts_answers(server: Service) -> None:
    command = [sys.executable, "-m", "benchmarks.load", f"{server.url}/plain", "0.3"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    answered, *words = said.split()
    assert words == ["requests", "in", "0.3", "s"]
    assert int(answered) > 100


def test_load_counts_what_was_answered(server: Service) -> None:
    assert load.load(f"{server.url}/plain", 1) > 100


def test_cpu_is_that_of_the_process() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    idle = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        time.sleep(1)
        assert serving.cpu_seconds(busy.pid) > 2 * serving.cpu_seconds(idle.pid)
        assert 1 < serving.peak_mib(idle.pid) < 100
    finally:
        for process in (busy, idle):
            process.kill()
            process.wait()


def test_shares_are_taken_within_each_round() -> None:
    rounds = [
        {BARE.name: 100.0, OURS.name: 110.0, VANILLA.name: 200.0},
        {BARE.name: 200.0, OURS.name: 240.0, VANILLA.name: 400.0},
    ]
    assert report.compared("request", "µs", {"/plain": rounds}).splitlines()[-1] == "| /plain | 150 | +25 | +150 | 0.150 |"


@pytest.mark.parametrize("name", ["README.md", "docs/performance.md"])
def test_figures_go_to_their_place(name: str, tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text((ROOT / name).read_text())
    report.write(document, "| one |")
    report.write(document, "| other |")
    text = document.read_text()
    assert "| other |" in text
    assert "| one |" not in text
    assert text.partition("<!-- figures")[0] == (ROOT / name).read_text().partition("<!-- figures")[0]
    assert text.partition("<!-- end of")[2] == (ROOT / name).read_text().partition("<!-- end of")[2]


def test_the_readme_shows_the_shares() -> None:
    rounds = [{BARE.name: 100.0, OURS.name: 110.0, VANILLA.name: 200.0}]
    tables = [report.compared("request", "µs of CPU", {"/plain": rounds, "/db": rounds})]
    assert report.shares(tables).splitlines()[2:] == ["| request: /plain | 0.100 |", "| request: /db | 0.100 |"]


def test_a_run_that_is_worse_than_those_before_is_said_to_be_and_noise_is_not(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    for shares in ([0.05, 0.06, 0.05, 0.07], [0.06, 0.05, 0.05, 0.30]):
        history.add({"/plain": shares, "/db": shares}, "one", "2026-01-01", file)
    before = history.entries(file)
    assert history.worse({"/plain": [0.06, 0.05, 0.06, 0.5]}, before, "one") == []
    (said,) = history.worse({"/plain": [0.09, 0.08, 0.08, 0.09], "/db": [0.01] * 4}, before, "one")
    assert said.startswith("/plain: ")
    assert history.worse({"/plain": [0.9] * 4, "/new": [9.0] * 4}, before, "another") == []
    assert history.worse({"/plain": [0.9] * 2}, before, "one") == []
    assert history.shares({"/plain": [{BARE.name: 10, OURS.name: 11, VANILLA.name: 20}]}) == {"/plain": [0.1]}


def test_only_the_last_runs_are_looked_back_on(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    for share in (0.9, 0.05, 0.05, 0.05, 0.05, 0.05):
        history.add({"/plain": [share] * 4}, "one", "2026-01-01", file)
    assert history.worse({"/plain": [0.1] * 4}, history.entries(file), "one")
