"""What hangs does not outlast its time; a server's own limit is respected; told twice, a service ends at once, workers too."""

from __future__ import annotations

import signal

import pytest

from tests.processes import HOST
from tests.runtime.ending.ends import DELAY, ORDERLY, ended

SHORT = {**ORDERLY, "PLATFORM_SHUTDOWN_HTTP_TIMEOUT": "1", "PLATFORM_SHUTDOWN_GRPC_TIMEOUT": "1"}
ALONE = ("uvicorn", "werkzeug")
slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("server", "status"),
    [
        ("uvicorn", -signal.SIGTERM),
        ("gunicorn", 0),
        pytest.param("uvicorn with workers", 0, marks=slow),
        pytest.param("gunicorn gthread", 0, marks=slow),
        pytest.param("gunicorn uvicorn", 0, marks=slow),
        pytest.param("hypercorn", 0, marks=slow),
        pytest.param("granian", 0, marks=slow),
        pytest.param("granian wsgi", 0, marks=slow),
        pytest.param("werkzeug", -signal.SIGTERM, marks=slow),
        pytest.param("waitress", -signal.SIGTERM, marks=slow),
        pytest.param("aiohttp", -signal.SIGTERM, marks=slow),
    ],
)
def test_a_request_that_hangs_is_cut_off_when_its_time_is_over(server: str, status: int) -> None:
    ending = ended(server, SHORT, path="/hang")
    assert ending.in_flight != 200
    assert ending.status == status, ending.output
    assert DELAY + 1 < ending.seconds < DELAY + 1 + 4
    assert "/quick" in ending.spans or server == "aiohttp"
    assert set(ending.during_the_delay) == {200}


def test_the_whole_has_a_limit_too() -> None:
    times = {"PLATFORM_SHUTDOWN_TIMEOUT": "2", "PLATFORM_SHUTDOWN_FLUSH_TIMEOUT": "0.5", "PLATFORM_SHUTDOWN_CLOSE_TIMEOUT": "0.5"}
    ending = ended("uvicorn", {**ORDERLY, **times}, path="/hang")
    assert ending.status == -signal.SIGTERM
    assert ending.seconds < 3.5
    assert "/quick" in ending.spans


def test_before_gunicorn_kills_a_worker_its_spans_are_sent() -> None:
    words = ["gunicorn", "services:wsgi", "--bind", f"{HOST}:PORT", "--workers", "3", "--graceful-timeout", "3"]
    ending = ended(words, ORDERLY, path="/hang")
    assert ending.status == 0, ending.output
    assert ending.seconds < DELAY + 3 + 2
    assert "SIGKILL" not in ending.output
    assert "1 requests are cut off" in ending.output


def test_uvicorn_s_own_limit_comes_before_ours() -> None:
    words = ["uvicorn", "services:asgi", "--port", "PORT", "--timeout-graceful-shutdown", "1"]
    ending = ended(words, ORDERLY, path="/hang")
    assert ending.status == -signal.SIGTERM
    assert DELAY + 1 < ending.seconds < DELAY + 1 + 3
    assert "timeout graceful shutdown exceeded" in ending.output
    assert "cut off" not in ending.output


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn", *[pytest.param(name, marks=slow) for name in (
    "uvicorn with workers", "gunicorn gthread", "gunicorn uvicorn", "hypercorn with workers", "werkzeug")]])  # fmt: skip
@pytest.mark.parametrize("after", [0.3, 1.3], ids=["in the delay", "in the drain"])
def test_told_twice_it_ends_at_once_with_its_workers(server: str, after: float) -> None:
    ending = ended(server, ORDERLY, path="/hang", again_after=after)
    assert ending.seconds < after + 5.0, ending.output  # the request would have ten
    assert ending.status == -signal.SIGTERM or (server not in ALONE and ending.status in {0, 1})  # a master sees its workers go
    over = server.startswith("hypercorn") and ending.seconds < after + 0.1  # it cuts off at once what it does not know to hang
    assert over or "SIGTERM again, it ends at once" in ending.output
    assert not ending.survivors
