"""Workers that are told to go while their master stays are recycled: no delay, no word, the service stays ready."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platform_instrument.testing.collector import Collector
from tests.processes import HOST, Service, door, free_port
from tests.runtime.ending.ends import ORDERLY, PROGRAMS, ended, get, wait_until_it_answers

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def served(words: list[str], env: dict[str, str] | None = None) -> Iterator[tuple[Service, Collector]]:
    port = str(free_port())
    argv, variables = door("command", [word.replace("PORT", port) for word in words])
    with (
        Collector() as collector,
        Service(argv, int(port), env={**variables, **ORDERLY, **(env or {})}, collector=collector, cwd=PROGRAMS) as service,
    ):
        wait_until_it_answers(int(port))
        yield service, collector


@contextlib.contextmanager
def asked(port: int) -> Iterator[list[object]]:
    """Make requests and ask whether it is ready all the time; give how they were answered."""
    answers: list[object] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            answers.extend((get(port, "/quick"), get(port, "/readyz")))
            time.sleep(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        over.set()
        asking.join()


GUNICORN = ["gunicorn", "services:wsgi", "--bind", f"{HOST}:PORT", "--workers", "2"]


def workers(collector: Collector) -> set[object]:
    return {span.resource["process.pid"] for span in collector.spans}


def test_workers_of_gunicorn_that_reach_their_requests_are_replaced_in_readiness() -> None:
    with served([*GUNICORN, "--max-requests", "8"]) as (service, collector), asked(service.port) as answers:
        deadline = time.monotonic() + 20
        while len(workers(collector)) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert set(answers) <= {200, "ConnectionResetError", "RemoteDisconnected"}  # as plain, when the worker had it in its queue
    assert "shutdown:" not in service.stderr
    assert "connection closed" in service.stdout


def test_a_reload_of_gunicorn_is_no_end() -> None:
    with served([*GUNICORN, "--worker-class", "gthread", "--threads", "2"]) as (service, collector):
        with asked(service.port) as answers:
            time.sleep(0.3)
            service.send_signal(signal.SIGHUP)
            collector.wait_for(lambda _: len(workers(collector)) >= 2)
            deadline = time.monotonic() + 15
            while service.stderr.count("Booting worker") < 4 or service.stderr.count("Worker exiting") < 2:
                assert time.monotonic() < deadline, service.stderr
                time.sleep(0.1)
        assert 503 not in answers
        assert "shutdown:" not in service.stderr
        assert service.terminate() == 0
        assert "requests are answered for 0.8 s more" in service.stderr


@pytest.mark.slow
def test_a_master_of_gunicorn_that_takes_over_decides_for_itself(tmp_path: Path) -> None:
    place = tmp_path / "pid"
    with served([*GUNICORN, "--pid", str(place)]) as (service, _):
        service.send_signal(signal.SIGUSR2)
        new = tmp_path / "pid.2"
        deadline = time.monotonic() + 15
        while not new.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1.5)  # its workers boot
        with asked(service.port) as answers:
            assert service.terminate() == 0
            time.sleep(0.5)
        assert get(service.port, "/readyz") == 200
        deadline = time.monotonic() + 10
        while not place.exists():  # until it has noticed that it is alone
            assert time.monotonic() < deadline
            time.sleep(0.1)
        second = int(place.read_text())
        before = service.stderr.count("SIGTERM, not ready any more")
        os.kill(second, signal.SIGTERM)
        service.wait_for_output("Shutting down: Master", 10)
        assert answers
        deadline = time.monotonic() + 10
        while service.stderr.count("SIGTERM, not ready any more") == before:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["uvicorn with workers", "gunicorn", "gunicorn gthread"])
def test_a_supervisor_that_signals_all_processes_at_once_gets_the_same_end(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Service, "send_signal", lambda self, number: os.killpg(self.pid, number))
    ending = ended(server, ORDERLY)
    assert (ending.in_flight, ending.status) == (200, 0), ending.output
    assert set(ending.during_the_delay) == {200}
    assert "/slow" in ending.spans


def test_a_busy_worker_that_is_told_twice_answers_before_it_goes() -> None:
    """hypercorn's master terminates those that are busy, and multiprocessing once more as the master ends."""
    answers: list[object] = []
    with served(["hypercorn", "services:fast()", "--bind", f"{HOST}:PORT", "--workers", "2"]) as (service, collector):
        client = threading.Thread(target=lambda: answers.append(get(service.port, "/slow")))
        client.start()
        time.sleep(0.5)
        service.send_signal(signal.SIGTERM)
        time.sleep(1.1)  # the delay is over: both are told
        for children in Path(f"/proc/{service.pid}/task").glob("*/children"):
            for child in children.read_text().split() * 2:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGTERM)
                time.sleep(0.02)
        client.join()
        collector.wait_for(lambda spans: any(span.attributes.get("url.path") == "/slow" for span in spans))
    assert answers == [200]


@pytest.mark.slow
def test_a_change_restarts_uvicorn_s_reloaded_worker_without_a_delay(tmp_path: Path) -> None:
    source = tmp_path / "served.py"
    source.write_text("from services import asgi\n")
    words = ["uvicorn", "served:asgi", "--reload", "--reload-dir", str(tmp_path), "--app-dir", str(tmp_path), "--port", "PORT"]
    with served(words, {"PYTHONPATH": str(PROGRAMS), "PLATFORM_SHUTDOWN_DELAY": "15"}) as (service, _):
        time.sleep(1)
        source.write_text("from services import asgi  # changed\n")
        began = time.monotonic()
        while service.stderr.count("Started server process") < 2:
            assert time.monotonic() - began < 10
            time.sleep(0.05)
        assert "shutdown:" not in service.stderr
