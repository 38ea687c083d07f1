"""`make demo` shows what it promises, and leaves nothing running."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import run

if TYPE_CHECKING:
    from tests.processes import Completed

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Completed:
    """Return the demonstration, run to its end."""
    folder = tmp_path_factory.mktemp("demo")
    variables = {"PYTHONIOENCODING": "utf-8", "TMPDIR": str(folder)}
    ended = run([sys.executable, ROOT / "examples" / "demo.py"], env=variables, timeout=90)
    assert list(folder.iterdir()) == [], "files were left behind"
    return ended


def test_it_succeeds_quietly(demo: Completed) -> None:
    assert (demo.returncode, demo.stderr) == (0, ""), demo.stdout


def test_one_tree_joins_both_services(demo: Completed) -> None:
    order = demo.stdout.partition("An order")[2].partition("An invoice")[0].splitlines()
    shapes = [re.sub(r"\d+\.\d\d ms", "N ms", re.sub(r" +", " ", line)) for line in order]
    assert "[shop] POST /orders server N ms /orders 201" in shapes
    assert any(re.fullmatch(r"├─ GET client N ms http://127\.0\.0\.1:\d+/stock/1 200", line) for line in shapes)
    assert "│ └─ [stock] GET /stock/<int:product> server N ms /stock/1 200" in shapes
    assert shapes[-2].startswith("└─ INSERT")


def test_statements_are_sanitized(demo: Completed) -> None:
    assert "INSERT INTO orders (product_id, quantity, email) VALUES (?, ?, ?)" in demo.stdout
    assert "ada@example.org" not in demo.stdout


def test_a_failure_is_marked(demo: Completed) -> None:
    assert re.search(r"GET /orders/\{number\}/invoice +server +\S+ ms +ERROR +.*500 NotImplementedError", demo.stdout)


def test_two_log_lines_lead_to_the_trees(demo: Completed) -> None:
    trees = set(re.findall(r"^trace ([0-9a-f]{32}):", demo.stdout, re.MULTILINE))
    lines = re.findall(r"^  .* shop: .*trace_id=([0-9a-f]{32})", demo.stdout, re.MULTILINE)
    assert len(lines) == 2
    assert set(lines) <= trees


def test_nothing_is_left_running(demo: Completed) -> None:
    ports = re.findall(r"(?:--bind 127\.0\.0\.1:|--port )(\d+)", demo.stdout)
    assert len(ports) == 2
    commands = [file.read_bytes().replace(b"\0", b" ").decode() for file in Path("/proc").glob("[0-9]*/cmdline") if file.exists()]
    assert [
        command for command in commands if any(f":{port} stock.app" in command or f"--port {port}" in command for port in ports)
    ] == []


def test_it_says_what_to_do_next(demo: Completed) -> None:
    assert "pip install platform-instrument" in demo.stdout.partition("What next")[2]
