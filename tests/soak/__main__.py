"""`make soak`: two services under load for as long as is asked for, one of workers that are recycled, beside a collector that restarts.

Every request is to be counted once, each span to arrive, or to be counted among those that were lost: on the page at which the
services are scraped, as a worker may end while there is no collector to tell. No request of the application may fail, and memory is
to stay where it is.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.processes import BIN, HOST, Service, door, free_port
from tests.servers import REDIS, running
from tests.soak.counting import Page, Sums

PROGRAMS = Path(__file__).parent / "programs"
SPANS = {"front": (4, 2), "back": (3, 0)}
"""How many spans a request of a service makes, and its start."""
EACH, AWAY = 60.0, 3.0
"""Seconds between two restarts of the collector, and for how long it is away."""
UNANSWERED = 10
"""Spans a restart that the collector has taken and not said so, as it was gone before it answered: a process that ends counts them
as lost."""
PROCESSES = 5
"""Who may say a line a minute."""
SETTLED = 8.0
"""Seconds after the load in which what waits is delivered."""
FLAT = 0.02
"""The share by which memory may differ between the first and the last fifth of the time, once the service is warm."""


class Load(threading.Thread):
    """A client that asks for the same again and again, so many times a second, until it is stopped."""

    def __init__(self, port: int, path: str, rate: float) -> None:
        super().__init__(daemon=True)
        self.answered = 0
        self.failed: list[str] = []
        self.ending = threading.Event()
        self._port, self._path, self._pause = port, path, 1 / rate

    def run(self) -> None:
        """Ask on a connection of its own each time, as workers that are recycled want it."""
        number, due = 0, time.monotonic()
        while not self.ending.is_set():
            number += 1
            connection = http.client.HTTPConnection(HOST, self._port, timeout=30)
            try:
                connection.request("GET", self._path.format(number), headers={"Connection": "close"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == http.client.OK:
                    self.answered += 1
                else:
                    self.failed.append(f"{self._path}: {answer.status}")
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(f"{self._path}: {error!r}")
            finally:
                connection.close()
            due = max(due + self._pause, time.monotonic() - 1)
            self.ending.wait(max(due - time.monotonic(), 0))


def resident(process: int) -> int:
    """Return the resident memory of a process, in kB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])


def main() -> int:
    """Return 0 where every promise is kept."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=20, help="requests a second to each of the two services")
    wanted = parser.parse_args()
    seconds = wanted.minutes * 60
    with ExitStack() as stack:
        redis = stack.enter_context(running(REDIS))
        sums = stack.enter_context(Sums())
        front_port, back_port = free_port(), free_port()
        shared = {"SOAK_REDIS": redis, "SOAK_BACK": f"http://{HOST}:{back_port}", "PYTHONPATH": str(PROGRAMS)}
        gunicorn = [BIN / "gunicorn", "back:app", "-w", "4", "--max-requests", "400", "--max-requests-jitter", "100"]
        started, pages = [], {}
        for name, argv, port in (
            ("back", [*gunicorn, "--bind", f"{HOST}:{back_port}"], back_port),
            ("front", [BIN / "uvicorn", "front:app", "--port", str(front_port), "--no-access-log"], front_port),
        ):
            command, variables = door("command", argv)
            pages[name] = free_port()
            env = {
                **shared,
                **variables,
                "OTEL_SERVICE_NAME": name,
                "OTEL_METRICS_EXPORTER": "otlp,prometheus",
                "OTEL_EXPORTER_PROMETHEUS_PORT": str(pages[name]),
            }
            started.append(stack.enter_context(Service(command, port, env=env, collector=sums, timeout=60)))
        back, front = started
        loads = [Load(front_port, "/orders/{}", wanted.rate), Load(back_port, "/stock/{}", wanted.rate)]
        for load in loads:
            load.start()
        memory = watch(sums, front.pid, seconds)
        for load in loads:
            load.ending.set()
        for load in loads:
            load.join()
        time.sleep(SETTLED)
        read = {name: Page(port) for name, port in pages.items()}
        statuses = front.terminate(), back.terminate()
        said = (front.stderr + back.stderr).splitlines()
        expected = {"front": loads[0].answered, "back": loads[0].answered + loads[1].answered}
        return judged(sums.count, read, expected, memory, [*loads[0].failed, *loads[1].failed], statuses, said)


def watch(sums: Sums, process: int, seconds: float) -> list[int]:
    """Restart the collector again and again; return the memory of a process, as it was every five seconds."""
    memory, ends, restarts = [], time.monotonic() + seconds, time.monotonic() + EACH
    while time.monotonic() < ends:
        time.sleep(5)
        memory.append(resident(process))
        if time.monotonic() > restarts:
            restarts += EACH
            sums.refuse()
            time.sleep(AWAY)
            sums.recover()
    return memory


def judged(  # noqa: PLR0913 - all that is judged
    spans: int,
    pages: dict[str, Page],
    expected: dict[str, int],
    memory: list[int],
    failed: list[str],
    statuses: tuple[int, int],
    said: list[str],
) -> int:
    """Print the figures, and return how many promises are broken."""
    fifth = max(len(memory) // 5, 1)
    early, late = statistics.median(memory[fifth : 2 * fifth] or memory), statistics.median(memory[-fifth:])
    counted = {name: page.requests for name, page in pages.items()}
    made = sum(SPANS[name][0] * requests + SPANS[name][1] for name, requests in expected.items())
    lost = sum(page.lost for page in pages.values())
    ours = [line for line in said if line.startswith("platform-instrument:")]
    promises = {
        f"{expected} requests were answered, {counted} are counted": counted == expected,
        f"{made} spans were made, {spans} arrived, {made - spans} are missing, {lost} are said to be lost": (
            made - spans <= lost <= made - spans + len(memory) * 5 / EACH * UNANSWERED
        ),
        f"memory went from {early:.0f} kB to {late:.0f} kB, {late / early - 1:+.2%}": late <= early * (1 + FLAT),
        f"{len(failed)} requests failed {failed[:3]}": not failed,
        f"exit statuses {statuses}": statuses == (-signal.SIGTERM, 0),
        f"{len(ours)} lines of ours {Counter(ours).most_common(5)}": len(ours) <= len(memory) * 5 / EACH * PROCESSES + PROCESSES,
    }
    for promise, kept in promises.items():
        sys.stdout.write(f"{'kept  ' if kept else 'BROKEN'} {promise}\n")
    return sum(not kept for kept in promises.values())


if __name__ == "__main__":
    sys.exit(main() and os.EX_SOFTWARE)
