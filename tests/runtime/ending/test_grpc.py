"""gRPC servers that would die at once answer for the delay, then finish the calls that they have, within their time."""

from __future__ import annotations

import signal
import sys
import threading
import time

import grpc
import pytest

from platform_instrument.testing.collector import Collector
from tests.processes import HOST, Service, door, free_port
from tests.runtime.ending.ends import DELAY, ORDERLY, PROGRAMS


def call(port: int, method: str) -> object:
    with grpc.insecure_channel(f"{HOST}:{port}") as channel:
        try:
            return channel.unary_unary(f"/calls/{method}")(b"asked", timeout=10)
        except grpc.RpcError as error:
            return error.code().name


def ended(kind: str, env: dict[str, str] | None) -> tuple[object, object, int, float, list[str], str]:
    """Return how the slow call ended and one of the delay, the exit status, the seconds, spans and output."""
    port = free_port()
    words, variables = [sys.executable, str(PROGRAMS / "calls.py"), kind, str(port)], {}
    if env is not None:
        words, variables = door("command", words)
    slow: list[object] = []
    with Collector() as collector, Service(words, port, env={**variables, **(env or {})}, collector=collector) as service:
        calling = threading.Thread(target=lambda: slow.append(call(port, "slow")))
        calling.start()
        time.sleep(0.7)
        began = time.monotonic()
        service.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        during = call(port, "quick")
        status = service._running.popen.wait(20)
        seconds = time.monotonic() - began
        calling.join(5)
        if env is not None and slow[0] == b"asked":
            collector.wait_for(3)
        return slow[0], during, status, seconds, [span.name for span in collector.spans], service.stdout + service.stderr


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_a_server_finishes_the_calls_that_it_has(kind: str) -> None:
    slow, during, status, seconds, spans, output = ended(kind, ORDERLY)
    assert (slow, during, status) == (b"asked", b"asked", -signal.SIGTERM), output
    assert DELAY < seconds < DELAY + 4
    assert sorted(spans) == ["SELECT", "calls/quick", "calls/slow"]


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_plain_it_breaks_them_off(kind: str) -> None:
    slow, during, status, _, _, _ = ended(kind, None)
    assert (slow, during, status) == ("UNAVAILABLE", "UNAVAILABLE", -signal.SIGTERM)


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_a_call_that_takes_longer_than_its_time_is_broken_off(kind: str) -> None:
    limits = {"PLATFORM_SHUTDOWN_GRPC_TIMEOUT": "0.1", "PLATFORM_SHUTDOWN_DELAY": "0.3", "PLATFORM_SHUTDOWN_HTTP_TIMEOUT": "0.2"}
    slow, _, status, seconds, _, _ = ended(kind, {**ORDERLY, **limits, "OTEL_METRICS_EXPORTER": "none"})
    assert slow != b"asked"
    assert status == -signal.SIGTERM
    assert seconds < 3.5
