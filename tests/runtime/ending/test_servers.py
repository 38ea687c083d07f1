"""Every server ends in one order: unready at once, answering meanwhile, then the last request, its span, its pools, its exit."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import Service, door, free_port, run
from tests.runtime.ending.ends import DELAY, ORDERLY, PROGRAMS, SERVERS, Ending, ended, wait_until_it_answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.testing.collector import Collector

slow = pytest.mark.slow
QUICK = ("uvicorn", "gunicorn", "werkzeug", "aiohttp")
"""Those of each kind: by `signal.signal` alone, a master and its workers, by default, in an event loop."""

ONE_AT_A_TIME = ("wsgiref",)
LINGERS = ("gunicorn gevent", "gunicorn asgi", "uvicorn with workers", "daphne")
"""Servers that take some more time to stop accepting."""


def expected(server: str) -> int:
    """Return the exit status that SIGTERM gives to the plain server."""
    return -signal.SIGTERM if server in {"uvicorn", "werkzeug", "wsgiref", "waitress", "tornado"} else 0


@pytest.mark.parametrize("server", [name if name in QUICK else pytest.param(name, marks=slow) for name in SERVERS])
def test_a_server_ends_in_one_order(server: str) -> None:
    ending = ended(server, ORDERLY, load=server not in ONE_AT_A_TIME)
    assert ending.in_flight == 200, ending.output
    assert ending.status == expected(server), ending.output
    assert DELAY < ending.seconds < DELAY + 5
    assert set(ending.during_the_delay) == ({200} if server not in ONE_AT_A_TIME else set())
    if server not in ONE_AT_A_TIME:
        assert ending.unready_after is not None
        assert ending.unready_after < 0.3
    assert "/slow" in ending.spans
    assert "connection closed" in ending.stdout
    said = [line for line in ending.output.splitlines() if line.startswith("platform-instrument: ")]
    assert not [line for line in said if not line.startswith("platform-instrument: shutdown: ")]
    for phase in ("SIGTERM, not ready any more; requests are answered for 0.8 s more", "draining", "drained", "0 spans lost"):
        assert any(phase in line for line in said), phase


@pytest.mark.parametrize("server", [name if name == "werkzeug" else pytest.param(name, marks=slow) for name in SERVERS])
def test_what_is_gained_is_that_plain_servers_do_not(server: str) -> None:
    """They turn requests away at once, and some the one that is in flight; the exit status is the same."""
    plain = ended(server, load=server not in ONE_AT_A_TIME)
    assert plain.status == expected(server)
    assert "connection closed" not in plain.stdout
    lost = ["werkzeug", "wsgiref", "waitress", "hypercorn with workers", "tornado", "daphne"]
    assert (plain.in_flight != 200) == (server in lost)
    if server not in ONE_AT_A_TIME:
        assert turned_away(plain) or plain.seconds < DELAY or server in LINGERS


def turned_away(ending: Ending) -> list[object]:
    """Return how requests failed that came during what would be the delay."""
    return [answer for answer in ending.during_the_delay if answer != 200]


DOCUMENT = Path(__file__).parents[3] / "docs" / "shutdown.md"


def test_the_lines_of_the_documentation_are_those_that_are_said() -> None:
    (shown,) = re.findall(r"^```text\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    ending = ended("werkzeug", ORDERLY, path="/quick", load=False)
    said = [line for line in ending.output.splitlines() if line.startswith("platform-instrument: ")]
    assert [numberless(line) for line in said] == [numberless(line) for line in shown.splitlines()]


def numberless(line: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "N", line)


def test_the_functions_of_the_documentation_are_registered_and_returned(collector: Collector) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    code += (
        "from platform_instrument.runtime.ending import registry\n"
        "print([(each.function.__name__, each.phase, each.timeout) for each in registry._registered])\n"
        "print(stop_consuming.__name__)\n"
    )
    argv, variables = door("command", [sys.executable, "-c", code])
    done = run(argv, env={**variables, **ORDERLY}, collector=collector)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "[('say_goodbye', 'close', None), ('stop_consuming', 'drain', 4.0)]\nstop_consuming\n"


@pytest.mark.parametrize("words", [SERVERS["gunicorn"], SERVERS["gunicorn gthread"]], ids=["sync", "gthread"])
def test_the_master_of_gunicorn_has_no_thread_of_ours_before_it_is_told_to_end(words: Callable[[str], list[str]]) -> None:
    def threads(env: dict[str, str] | None) -> int:
        port = free_port()
        argv, variables = words(str(port)), {}
        if env is not None:
            argv, variables = door("command", argv)
        with Service(argv, port, env={**variables, **(env or {})}, cwd=PROGRAMS) as service:
            wait_until_it_answers(port)
            found = [0]
            while len(found) < 10 or len(set(found[-10:])) > 1:  # gunicorn's own, for its control socket, begins late
                time.sleep(0.1)
                found.append(len(list(Path(f"/proc/{service.pid}/task").iterdir())))
            return found[-1]

    assert threads(ORDERLY) == threads(None)
