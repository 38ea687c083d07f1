"""What a request costs the service: CPU time of its process, per request, and the spans that arrived for it."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import COLLECTOR_PORT, FOLDER, REDIS_PORT, ROOT, SERVICE_PORT, Implementation, on_processor
from benchmarks.load import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SPANS = {"/plain": 1, "/db": 2, "/redis": 2, "/http": 2, "/mix": 4}
"""Spans that a request must leave; a run that delivers fewer measures something else."""

_COLLECTOR = f"http://127.0.0.1:{COLLECTOR_PORT}"
_LAST_BATCH_SECONDS = 1.5


class Measured:
    """One run of the service on one path: CPU in µs and spans delivered, both per request."""

    def __init__(self, cpu: float, spans: float) -> None:
        self.cpu = cpu
        self.spans = spans


@contextmanager
def running(command: Sequence[str], port: int, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a server running that listens on `port`."""
    with (FOLDER / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, **options)  # type: ignore[call-overload] # passed on
    try:
        deadline = time.monotonic() + 30
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{' '.join(command)} does not listen on {port}:\n{(FOLDER / f'{port}.log').read_text()}")
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listens(port: int) -> bool:
    """Say whether somebody accepts connections on this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def surroundings(*, redis: str | None) -> Iterator[None]:
    """Keep collector, upstream and Redis (the path of its program, or None) running on the other processor."""
    with running([*on_processor(1), sys.executable, "-m", "benchmarks.surroundings"], COLLECTOR_PORT, cwd=ROOT):
        if redis is None:
            yield
            return
        with running([*on_processor(1), redis, "--port", str(REDIS_PORT), "--save", "", "--bind", "127.0.0.1"], REDIS_PORT):
            yield


def measure(implementation: Implementation, paths: Iterable[str], seconds: float) -> tuple[dict[str, Measured], float]:
    """Start the service once; return what each path cost, and its peak memory in MiB."""
    command, env = implementation.program(
        "-m", "uvicorn", "service:app", "--port", str(SERVICE_PORT), "--no-access-log", "--log-level", "warning"
    )
    with running(command, SERVICE_PORT, env=env, cwd=FOLDER) as process:
        measured = {path: _path(process.pid, path, seconds) for path in paths}
        return measured, peak_mib(process.pid)


def _path(pid: int, path: str, seconds: float) -> Measured:
    url = f"http://127.0.0.1:{SERVICE_PORT}{path}"
    load(url, 1)  # caches fill, the interpreter specializes
    time.sleep(_LAST_BATCH_SECONDS)
    _ask("/forget")
    before = cpu_seconds(pid)
    requests = load(url, seconds)
    time.sleep(_LAST_BATCH_SECONDS)  # the cost of the last batch belongs to these requests
    used = cpu_seconds(pid) - before
    return Measured(used / requests * 1e6, json.loads(_ask("/received"))["spans"] / requests)


def _ask(path: str) -> bytes:
    with urllib.request.urlopen(_COLLECTOR + path, timeout=10) as answer:
        return bytes(answer.read())


def cpu_seconds(pid: int) -> float:
    """Return user and system time that a process has used, all threads, those that ended too."""
    clock = ctypes.c_int()
    failed = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if failed:
        raise OSError(failed, os.strerror(failed))
    return time.clock_gettime(clock.value)


def peak_mib(pid: int) -> float:
    """Return the most memory that a process has had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024
