"""A service that is told to end while it has a slow request in flight and others come all the time."""

from __future__ import annotations

import contextlib
import http.client
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from platform_instrument.testing.collector import Collector
from tests.processes import HOST, Service, door, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROGRAMS = Path(__file__).parent / "programs"
SERVICES = PROGRAMS / "services.py"

ORDERLY = {
    "PLATFORM_SHUTDOWN": "true",
    "PLATFORM_SHUTDOWN_DELAY": "0.8",
    "PLATFORM_PROBES": "true",
    "OTEL_BSP_SCHEDULE_DELAY": "60000",
}
DELAY = 0.8

SERVERS: dict[str, Callable[[str], list[str]]] = {
    "uvicorn": lambda port: ["uvicorn", "services:asgi", "--port", port],
    "uvicorn with workers": lambda port: ["uvicorn", "services:asgi", "--port", port, "--workers", "2"],
    "gunicorn": lambda port: ["gunicorn", "services:wsgi", "--bind", f"{HOST}:{port}", "--workers", "3"],
    "gunicorn gthread": lambda port: [
        *("gunicorn", "services:wsgi", "--bind", f"{HOST}:{port}", "--workers", "2"),
        *("--worker-class", "gthread", "--threads", "4"),
    ],
    "gunicorn gevent": lambda port: [
        *("gunicorn", "services:wsgi", "--bind", f"{HOST}:{port}", "--workers", "2", "--worker-class", "gevent"),
    ],
    "gunicorn asgi": lambda port: [
        *("gunicorn", "services:asgi", "--bind", f"{HOST}:{port}", "--workers", "2", "--worker-class", "asgi"),
    ],
    "gunicorn uvicorn": lambda port: [
        *("gunicorn", "services:asgi", "--bind", f"{HOST}:{port}", "--workers", "2"),
        *("--worker-class", "uvicorn_worker.UvicornWorker"),
    ],
    "hypercorn": lambda port: ["hypercorn", "services:fast()", "--bind", f"{HOST}:{port}"],
    "hypercorn with workers": lambda port: ["hypercorn", "services:fast()", "--bind", f"{HOST}:{port}", "--workers", "2"],
    "granian": lambda port: ["granian", "--interface", "asgi", "--port", port, "--factory", "services:fast"],
    "granian wsgi": lambda port: [
        *("granian", "--interface", "wsgi", "--port", port, "--blocking-threads", "4", "--factory", "services:flask"),
    ],
    "werkzeug": lambda port: [sys.executable, str(SERVICES), "werkzeug", port],
    "wsgiref": lambda port: [sys.executable, str(SERVICES), "wsgiref", port],
    "waitress": lambda port: [sys.executable, str(SERVICES), "waitress", port],
    "aiohttp": lambda port: [sys.executable, str(SERVICES), "aiohttp", port],
    "tornado": lambda port: [sys.executable, str(SERVICES), "tornado", port],
    "daphne": lambda port: ["daphne", "-p", port, "services:asgi"],
}


@dataclass
class Ending:
    """How a service ended: its exit status, seconds from the signal to the end, and what clients saw meanwhile."""

    status: int = 0
    seconds: float = 0.0
    in_flight: object = None
    """The status of the slow request, or how it failed."""
    answered_after: float = 0.0
    """Seconds from the signal."""
    unready_after: float | None = None
    """Seconds from the signal to the first 503 of `/readyz`."""
    ready: list[int] = field(default_factory=list)
    during_the_delay: list[object] = field(default_factory=list)
    """Statuses of other requests that were begun before the delay was over, or how they failed."""
    spans: list[str] = field(default_factory=list)
    """The paths of server spans, or the names of others."""
    survivors: list[str] = field(default_factory=list)
    """Processes of the service that are still there."""
    output: str = ""
    stdout: str = ""


def get(port: int, path: str, timeout: float = 15) -> object:
    """Return the status of a GET, or the name of what went wrong."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    else:
        return response.status
    finally:
        connection.close()


def ended(  # noqa: PLR0913 - what an end takes
    server: str | list[str],
    env: Mapping[str, str] | None = None,
    *,
    path: str = "/slow",
    number: int = signal.SIGTERM,
    again_after: float | None = None,
    load: bool = True,
    within: float = 25,
) -> Ending:
    """Start a server, plain without `env`, make a slow request, send it a signal, see it end."""
    port = free_port()
    words = SERVERS[server](str(port)) if isinstance(server, str) else [word.replace("PORT", str(port)) for word in server]
    variables: dict[str, str] = {}
    if env is not None:
        words, variables = door("command", words)
    with (
        Collector() as collector,
        Service(
            words, port, env={**variables, **(env or {})}, collector=collector if env is not None else None, cwd=PROGRAMS
        ) as service,
    ):
        ending = Ending()
        wait_until_it_answers(port)
        clients, told = _clients(port, path, ending, load=load, probed=int((env or {}).get("PLATFORM_ADMIN_PORT", port)))
        ending.ready.clear()
        ending.during_the_delay.clear()
        told[0] = began = time.monotonic()
        service.send_signal(number)
        if again_after is not None:
            time.sleep(again_after)
            service.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            service._running.popen.wait(within)
        ending.seconds = time.monotonic() - began
        ending.status = service._running.popen.poll() if service._running.popen.poll() is not None else 999
        for client in clients:
            client.join(5)
        if env is not None:
            with contextlib.suppress(AssertionError):
                collector.wait_for(lambda spans: any(span.attributes.get("url.path") == path for span in spans), 3)
        ending.spans = [str(span.attributes.get("url.path", span.name)) for span in collector.spans]
        ending.survivors = _survivors(service.pid)
        ending.stdout, ending.output = service.stdout, service.stdout + service.stderr
    return ending


def wait_until_it_answers(port: int) -> None:
    """Wait until it does, three times in a row."""
    deadline, row = time.monotonic() + 20, 0
    while row < 3:
        row = row + 1 if get(port, "/quick") == 200 else 0
        assert time.monotonic() < deadline, "no answer"


def _clients(port: int, path: str, ending: Ending, *, load: bool, probed: int) -> tuple[list[threading.Thread], list[float]]:
    """Start who makes the slow request and, when that is under way, who makes others and asks whether it is ready."""
    told = [float("inf")]
    stop = threading.Event()

    def slow() -> None:
        ending.in_flight = get(port, path)
        ending.answered_after = time.monotonic() - told[0]
        stop.set()

    def others() -> None:
        while not stop.is_set() and time.monotonic() < told[0] + DELAY * 0.8:
            answer = get(port, "/quick", 3)
            ending.during_the_delay.append(answer)
            time.sleep(0.02)

    def probe() -> None:
        while not stop.is_set() and time.monotonic() < told[0] + DELAY * 0.8:
            asked = time.monotonic()
            answer = get(probed, "/readyz", 3)
            if answer == 503 and ending.unready_after is None and asked >= told[0]:
                ending.unready_after = time.monotonic() - told[0]
            time.sleep(0.02)

    clients = [threading.Thread(target=slow, daemon=True)]
    clients[0].start()
    time.sleep(0.4)
    if load:
        clients += [threading.Thread(target=target, daemon=True) for target in (others, probe)]
        for client in clients[1:]:
            client.start()
        time.sleep(0.1)
    return clients, told


def _survivors(session: int) -> list[str]:
    """Return the processes of a session that do not go away within two seconds."""
    deadline = time.monotonic() + 2
    while True:
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                words = status.read_text().rpartition(")")[2].split()
                if int(words[3]) == session and words[0] != "Z":
                    found.append((status.parent / "cmdline").read_text().replace("\0", " "))
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)
