"""Every server ends in one order: unready at once, answering meanwhile, then the last request, its span, its pools, its exit."""

from __future__ import annotations

import signal

import pytest

from tests.runtime.ending.ends import DELAY, ORDERLY, SERVERS, Ending, ended

slow = pytest.mark.slow
QUICK = ("uvicorn", "gunicorn", "werkzeug", "aiohttp")
"""Those of each kind: by `signal.signal` alone, a master and its workers, by default, in an event loop."""

UNOBSERVED = ("aiohttp",)
"""Served without our adapters: no probes, no server spans; what they ask of the database leaves all the same."""
ONE_AT_A_TIME = ("wsgiref",)


def expected(server: str) -> int:
    """Return the exit status that SIGTERM gives to the plain server."""
    return -signal.SIGTERM if server in {"uvicorn", "werkzeug", "wsgiref", "waitress"} else 0


@pytest.mark.parametrize("server", [name if name in QUICK else pytest.param(name, marks=slow) for name in SERVERS])
def test_a_server_ends_in_one_order(server: str) -> None:
    ending = ended(server, ORDERLY, load=server not in ONE_AT_A_TIME)
    assert ending.in_flight == 200, ending.output
    assert ending.status == expected(server), ending.output
    assert DELAY < ending.seconds < DELAY + 5
    assert set(ending.during_the_delay) == ({200} if server not in ONE_AT_A_TIME else set())
    if server not in (*UNOBSERVED, *ONE_AT_A_TIME):
        assert ending.unready_after is not None
        assert ending.unready_after < 0.3
    assert ("SELECT" if server in UNOBSERVED else "/slow") in ending.spans
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
    lost = ["werkzeug", "wsgiref", "waitress", "hypercorn with workers"]
    assert (plain.in_flight != 200) == (server in lost)
    if server not in ONE_AT_A_TIME:
        assert turned_away(plain) or plain.seconds < DELAY or server == "gunicorn gevent"


def turned_away(ending: Ending) -> list[object]:
    """Return how requests failed that came during what would be the delay."""
    return [answer for answer in ending.during_the_delay if answer != 200]
