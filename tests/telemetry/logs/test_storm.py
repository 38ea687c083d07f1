"""Threads and tasks that log while the collector is unwell: every line is printed, nothing hangs, grows or calls itself."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.processes import door, run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

THREADS, LINES, TASKS = 8, 1_500, 1_000
FLUSH = 2.0
LARGEST = 48 * 1024
"""KiB that the process may grow by while it logs: queues, bodies, and what Python keeps for itself."""

STORM = f"""
import asyncio, logging, resource, sys, threading, time
import requests, urllib3
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
log = logging.getLogger("storm")
class Watch(logging.Handler):
    def emit(self, record):
        if threading.current_thread().name == "platform-instrument":
            sys.stderr.write("ours logged: " + record.getMessage())
logging.root.addHandler(Watch())
for name in list(logging.root.manager.loggerDict):
    logging.getLogger(name).setLevel(logging.DEBUG)
from opentelemetry import trace
tracer = trace.get_tracer("storm")

def work(thread):
    for number in range({LINES}):
        with tracer.start_as_current_span("step"):
            log.info("line %d of %d", number, thread, extra={{"number": number, "padding": "x" * 200}})
        if number % 100 == 0:
            try: 1 / 0
            except ZeroDivisionError: log.error("failed %d", number)

async def task(number):
    log.info("task %d", number)
    await asyncio.sleep(0)
    urllib3.connectionpool.log.debug("of urllib3")

async def tasks():
    await asyncio.gather(*map(task, range({TASKS})))

log.info("first")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
threads = [threading.Thread(target=work, args=(number,)) for number in range({THREADS})]
for thread in threads: thread.start()
asyncio.run(tasks())
for thread in threads: thread.join()
print("grown", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
print("ended", time.time(), flush=True)
"""


@pytest.mark.parametrize("manner", ["fail", "hang", "refuse", "hang_up"])
def test_nothing_is_lost_of_what_is_printed_and_the_end_comes_in_time(tmp_path: Path, collector: Collector, manner: str) -> None:
    getattr(collector, manner)()
    file = tmp_path / "storm.py"
    file.write_text(STORM)
    argv, environment = door("command", [sys.executable, file])
    env = {**environment, "OTEL_LOGS_EXPORTER": "otlp", "PLATFORM_FLUSH_TIMEOUT": str(FLUSH)}
    done = run(argv, env=env, collector=collector, timeout=60)
    gone = time.time()
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sum(line.startswith("INFO:storm:line ") for line in lines) == THREADS * LINES
    assert sum(line.startswith("ERROR:storm:failed ") for line in lines) == THREADS * LINES // 100
    assert sum(line.startswith("INFO:storm:task ") for line in lines) == TASKS
    assert "DEBUG:urllib3.connectionpool:of urllib3" in done.stdout
    said = {line.partition(" ")[0]: float(line.partition(" ")[2]) for line in lines if line.startswith(("grown ", "ended "))}
    assert said["grown"] < LARGEST
    assert gone - said["ended"] < FLUSH + 2.0
    assert "ours logged" not in done.stderr
    assert "fault of ours" not in done.stderr
    assert len(done.stderr.splitlines()) <= 6, done.stderr


COUNTED = """
import logging, threading
from platform_instrument.telemetry import losses, pipeline
log = logging.getLogger("storm")
log.setLevel(logging.INFO)
def work():
    for number in range(3000): log.info("line %d", number)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
pipeline.PIPELINE.flush(20, last=False)
print(sum(count for (unit, _), count in losses.dropped().items() if unit == "logs"), losses.dropped())
"""


def test_what_does_not_fit_is_counted_to_the_line(tmp_path: Path, collector: Collector) -> None:
    file = tmp_path / "counted.py"
    file.write_text(COUNTED)
    argv, environment = door("command", [sys.executable, file])
    env = {**environment, "OTEL_LOGS_EXPORTER": "otlp", "OTEL_BLRP_MAX_QUEUE_SIZE": "100", "OTEL_BLRP_SCHEDULE_DELAY": "3000"}
    done = run(argv, env=env, collector=collector, timeout=60)
    lost = int(done.stdout.split()[0])
    assert lost > 0
    assert lost + len(collector.logs) == 12_000
    assert "OTEL_BLRP_MAX_QUEUE_SIZE=100" in done.stderr


def test_it_goes_on_when_the_collector_is_well_again(tmp_path: Path, collector: Collector) -> None:
    collector.fail(times=3)
    file = tmp_path / "again.py"
    file.write_text("import logging, time\nfor number in range(20):\n    logging.error('line %d', number)\n    time.sleep(0.1)\n")
    argv, environment = door("command", [sys.executable, file])
    run(argv, env={**environment, "OTEL_LOGS_EXPORTER": "otlp"}, collector=collector, timeout=60)
    assert sorted(log.body for log in collector.logs) == sorted(f"line {number}" for number in range(20))


TALKATIVE = """
import logging, socket, sys, time
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
connect, sendall = socket.socket.connect, socket.socket.sendall
def said(call):
    def talking(self, *args):
        logging.getLogger("socket").debug("%s", call.__name__)
        return call(self, *args)
    return talking
socket.socket.connect, socket.socket.sendall = said(connect), said(sendall)
for number in range(10):
    logging.info("line %d", number)
    time.sleep(0.15)
"""


def test_what_is_logged_while_we_deliver_is_printed_and_makes_no_record(tmp_path: Path, collector: Collector) -> None:
    file = tmp_path / "talkative.py"
    file.write_text(TALKATIVE)
    argv, environment = door("command", [sys.executable, file])
    done = run(argv, env={**environment, "OTEL_LOGS_EXPORTER": "otlp"}, collector=collector, timeout=60)
    assert "DEBUG:socket:" in done.stdout
    assert sorted(log.body for log in collector.logs) == sorted(f"line {number}" for number in range(10))
