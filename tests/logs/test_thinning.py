"""Lines are thinned in every process model; nothing is lost of the count: what is kept and what is left out is what was said."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.logs.thinned import FEW, NOWHERE, lines, ran, told
from tests.processes import Service, door, run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

USUAL = {"PLATFORM_LOG_SAMPLE_BURST": "100", "PLATFORM_LOG_SAMPLE_RATE": "10"}
THREADS, EACH = 8, 20_000

STORM = f"""
import threading, time
EACH = {EACH}
def say(thread):
    for number in range(EACH):
        log.info("paid %d", number)
        if number % 100 == 0:
            log.error("failed %d %d", thread, number)
        if number % 4 == 0:
            log.info(f"thread {{thread}} text {{number}}")
threads = [threading.Thread(target=say, args=(thread,)) for thread in range({THREADS})]
began = time.perf_counter()
for thread in threads: thread.start()
for thread in threads: thread.join()
print("seconds", time.perf_counter() - began)
"""


def test_in_a_storm_of_eight_threads_every_error_is_printed_and_every_line_is_counted(
    tmp_path: Path, collector: Collector
) -> None:
    done = ran(tmp_path, STORM, USUAL, collector)
    printed, said = done.stdout, told(done.stdout)
    assert len(set(lines(printed, "failed"))) == THREADS * EACH // 100
    kept = len(lines(printed, "paid"))
    assert kept + said["'paid %d'"] == THREADS * EACH
    texts = len(lines(printed, "text"))
    assert texts + sum(number for title, number in said.items() if title != "'paid %d'") == THREADS * EACH // 4
    seconds = float(printed.rpartition("seconds ")[2].split()[0])
    assert kept <= 100 + 10 * (seconds + 1)
    points = [point for point in collector.metrics if point.name == "platform.log.omitted"]
    assert points[-1].value == sum(said.values())


def test_lines_of_a_kept_trace_stay_together_in_a_storm(tmp_path: Path) -> None:
    """Half of the traces are kept: of each all lines are printed, of the others what the bucket lets through."""
    program = """
    import threading
    from opentelemetry import trace
    tracer = trace.get_tracer("shop")
    def serve(thread):
        for number in range(50):
            with tracer.start_as_current_span("request") as span:
                kept = span.get_span_context().trace_flags.sampled
                for step in range(20):
                    log.info("step %d of %s", step, f"{kept} {thread}/{number}")
    threads = [threading.Thread(target=serve, args=(thread,)) for thread in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    """
    env = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5", "OTEL_TRACES_EXPORTER": "otlp"}
    printed = ran(tmp_path, program, {**env, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1"}).stdout
    of_kept, of_others = lines(printed, "True"), lines(printed, "False")
    traces = {line.split(" of ")[1] for line in of_kept}
    assert 100 < len(traces) < 300
    assert len(of_kept) == 20 * len(traces)
    assert len(of_others) == 3
    assert told(printed) == {"'step %d of %s'": 8 * 50 * 20 - len(of_kept) - 3}


def test_a_thousand_tasks_have_one_bucket_and_each_its_own_trace(tmp_path: Path) -> None:
    program = """
    import asyncio
    from opentelemetry import trace
    tracer = trace.get_tracer("shop")
    async def work(number):
        if number % 10 == 0:
            with tracer.start_as_current_span("request"):
                await asyncio.sleep(0)
                log.info("paid %d", number)
        else:
            await asyncio.sleep(0)
            log.info("paid %d", number)
    async def main():
        await asyncio.gather(*[work(number) for number in range(1000)])
    asyncio.run(main())
    """
    printed = ran(tmp_path, program, {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1"}).stdout
    assert len([line for line in lines(printed, "paid") if "trace_id" in line]) == 100
    assert told(printed) == {"'paid %d'": 897}


def test_greenlets_are_counted_too(tmp_path: Path) -> None:
    pytest.importorskip("gevent")
    program = """
    from gevent import monkey; monkey.patch_all()
    import gevent
    from platform_instrument.telemetry.logs import summary
    summary.EVERY = 0.2
    def work(number):
        for _ in range(10):
            gevent.sleep(0)
            log.info("paid %d", number)
    gevent.joinall([gevent.spawn(work, number) for number in range(100)])
    for _ in range(300):
        if not log.disabled and any("left out" in line for line in said): break
        gevent.sleep(0.05)
    log.info("paid %d", 0)
    """
    listening = "said = []\nlog.addFilter(lambda record: said.append(record.getMessage()) is None)\n"
    printed = ran(tmp_path, listening + program.replace("\n    ", "\n")).stdout
    assert told(printed) == {"'paid %d'": 998}
    assert printed.count("left out") >= 2


LIBRARIES = {
    "log_sampling": "",
    "structlog_sampling": "import structlog\nstructlog.configure(processors=[structlog.processors.KeyValueRenderer()])\n"
    "log = structlog.get_logger()\n",
    "loguru_sampling": "from loguru import logger as log\nlog.remove()\nlog.add(sys.stdout)\n",
}


@pytest.mark.parametrize("place", list(LIBRARIES))
def test_a_fault_of_ours_costs_no_line(tmp_path: Path, place: str) -> None:
    fault = "from platform_instrument.telemetry.logs.sampling import Sampler\nSampler.lets_pass = lambda *_: 1 / 0\n"
    program = f"{LIBRARIES[place]}{fault}for number in range(50): log.info('paid')\n"
    assert len(lines(ran(tmp_path, program, place=place).stdout, "paid")) == 50


# --- fork and the end -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_count_from_zero_and_say_their_own(tmp_path: Path, method: str) -> None:
    program = f"""
    import multiprocessing, os
    def say(name, number):
        for _ in range(number): log.info(name + " %d", os.getpid())
    if __name__ == "__main__":
        say("parent", 50)
        context = multiprocessing.get_context("{method}")
        children = [context.Process(target=say, args=(f"child {{number}}", 20)) for number in range(3)]
        for child in children: child.start()
        for child in children: child.join()
        say("parent", 1)
    """
    printed = ran(tmp_path, program).stdout
    assert told(printed) == {"'parent %d'": 48, "'child 0 %d'": 17, "'child 1 %d'": 17, "'child 2 %d'": 17}


def test_a_child_of_a_bare_fork_has_buckets_of_its_own_and_says_its_own(tmp_path: Path) -> None:
    program = """
    import os
    for number in range(50): log.info("paid %d", number)
    child = os.fork()
    if not child:
        for number in range(10): log.info("paid %d", number)
        sys.exit(0)
    os.waitpid(child, 0)
    """
    printed = ran(tmp_path, program).stdout
    assert sorted(line.split()[2] for line in printed.splitlines() if "left out" in line) == ["47", "7"]
    assert len(lines(printed, "paid")) == 6


def test_a_queue_s_listener_that_the_program_ends_at_exit_still_prints_the_last_word(tmp_path: Path) -> None:
    program = """
    import atexit, multiprocessing, logging.handlers
    def say(waiting, name):
        logger = logging.getLogger(name)
        logger.addHandler(logging.handlers.QueueHandler(waiting))
        logger.propagate = False
        for number in range(50): logger.info(name + " %d", number)
    if __name__ == "__main__":
        context = multiprocessing.get_context("fork")
        waiting = context.Queue()
        listener = logging.handlers.QueueListener(waiting, logging.StreamHandler(sys.stdout))
        listener.start()
        atexit.register(listener.stop)
        child = context.Process(target=say, args=(waiting, "child"))
        child.start()
        child.join()
        say(waiting, "parent")
    """
    printed = ran(tmp_path, program).stdout
    assert told(printed) == {"'parent %d'": 47, "'child %d'": 47}
    assert len(lines(printed, "parent")) == len(lines(printed, "child")) == 3


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("1 / 0", 1),
        ("os.kill(os.getpid(), signal.SIGTERM)", -15),
        ("os.kill(os.getpid(), signal.SIGINT)", -2),
    ],
)
def test_the_last_word_is_said_however_the_process_ends(tmp_path: Path, end: str, status: int) -> None:
    program = f"""
    import os, signal
    for number in range(50): log.info("paid %d", number)
    {end}
    """
    assert told(ran(tmp_path, program, status=status).stdout) == {"'paid %d'": 47}


def test_what_is_said_after_the_last_word_is_kept_and_what_threads_say_until_then_is_counted(tmp_path: Path) -> None:
    program = """
    import atexit, threading, time
    def late():
        for number in range(10): log.info("late %d", number)
    atexit.register(late)
    go = threading.Event()
    def work():
        go.wait()
        for number in range(1000): log.info("paid %d", number)
    threading.Thread(target=work).start()
    go.set()
    """
    printed = ran(tmp_path, program).stdout
    assert told(printed) == {"'paid %d'": 997}
    assert len(lines(printed, "late")) == 10


def test_what_is_said_when_we_have_left_is_kept(tmp_path: Path) -> None:
    """By a function that was registered for the end before anything of ours was loaded, and is called after all of it."""
    file = tmp_path / "program.py"
    file.write_text(
        "import atexit, sys\n"
        "def late():\n"
        "    for number in range(50): log.info('late %d', number)\n"
        "atexit.register(late)\n"
        "assert 'logging' not in sys.modules\n"
        "import logging\n"
        "logging.basicConfig(level=logging.INFO, stream=sys.stdout)\n"
        "log = logging.getLogger('shop')\n"
    )
    argv, environment = door("command", [sys.executable, file])
    done = run(argv, env={**environment, **FEW, **NOWHERE}, cwd=tmp_path)
    assert len(lines(done.stdout, "late")) == 50, done.stderr


def test_a_handler_that_hangs_keeps_neither_the_service_nor_its_end(tmp_path: Path) -> None:
    program = """
    import threading, time
    class Hanging(logging.Handler):
        def emit(self, record):
            if "left out" in record.getMessage(): threading.Event().wait()
    other = logging.getLogger("other")
    other.propagate = False
    other.addHandler(Hanging())
    from platform_instrument.telemetry.logs import summary
    summary.EVERY = 0.1
    for number in range(50): other.info("got %d", number)
    while not any(thread.name == "platform-instrument-log" for thread in threading.enumerate()): time.sleep(0.01)
    for number in range(50): log.info("paid %d", number)
    logging._handlers.clear(); logging._handlerList.clear()
    print("done", flush=True)
    """
    done = ran(tmp_path, program)
    assert "done\n" in done.stdout
    assert told(done.stderr) == {"'got %d'": 47, "'paid %d'": 47}


def test_a_server_says_the_last_word_of_each_worker(tmp_path: Path, free_port: int) -> None:
    file = tmp_path / "shop.py"
    file.write_text(
        "import logging, sys\n"
        "logging.basicConfig(level=logging.INFO, stream=sys.stdout, format='%(process)d %(message)s')\n"
        "def app(environ, start_response):\n"
        "    for number in range(100): logging.getLogger('shop').info('paid %d', number)\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [b'ok']\n"
    )
    argv, environment = door("command", [sys.executable, "-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{free_port}", "shop:app"])
    env = {**environment, **NOWHERE, **FEW, "OTEL_TRACES_SAMPLER": "always_off"}
    with Service(argv, free_port, env=env, cwd=tmp_path) as server:
        for _ in range(10):
            assert server.get("/")[0] == 200
        assert server.terminate() == 0
        printed = server.stdout
    workers = {line.split()[0] for line in lines(printed, "paid")}
    assert len(lines(printed, "paid")) == 3 * len(workers)
    assert told(printed) == {"'paid %d'": 1000 - 3 * len(workers)}
    assert {line.split()[0] for line in printed.splitlines() if "left out" in line} == workers
