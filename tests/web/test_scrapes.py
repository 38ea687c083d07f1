"""One port for all workers of a service: whoever answers knows what every worker has counted, those that have ended too."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, HOST, Service, door, free_port
from tests.scrapes import REQUESTS, Load, Target
from tests.web.serving import PROGRAMS

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector
    from tests.processes import Endpoint

KINDS = {
    "sync": ["-k", "sync", "bare:wsgi"],
    "gthread": ["-k", "gthread", "--threads", "4", "bare:wsgi"],
    "preload": ["-k", "sync", "--preload", "bare:wsgi"],
    "gevent": ["-k", "gevent", "bare:wsgi"],
    "uvicorn_worker": ["-k", "uvicorn_worker.UvicornWorker", "bare:asgi"],
}
MARGIN = 1.0
"""Seconds that a scrape may take longer on a machine that does other things too."""


def gunicorn(
    target: Target, *more: str, env: dict[str, str] | None = None, collector: Endpoint | None = None, workers: int = 4
) -> Service:
    """Return a service of several workers that is scraped at a target."""
    port = free_port()
    words, variables = door("command", [BIN / "gunicorn", "-w", str(workers), "-b", f"{HOST}:{port}", *more])
    env = {**variables, **(target.environment() if env is None else env)}
    return Service(words, port, env=env, collector=collector, cwd=PROGRAMS)


def children(pid: int) -> list[int]:
    """Return the processes that a process has forked and not lost."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Watch:
    """Scrapes all the while; what it has counted may not fall."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.counted = 0.0
        self.pages = 0

    def __call__(self) -> None:
        try:
            page = self.target.scrape()
        except ConnectionError:  # by a worker that had taken the connection and was told to leave
            return
        counted = page.total(REQUESTS)
        assert counted >= self.counted
        self.counted = counted
        self.pages += 1


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind == "gthread")) for kind in KINDS])
def test_the_count_is_that_of_the_load_before_and_after_workers_are_recycled(kind: str) -> None:
    target = Target.free()
    with gunicorn(target, "--max-requests", "50", "--max-requests-jitter", "10", *KINDS[kind]) as service:
        target.wait(lambda _: True)
        load, watch = Load(service), Watch(target)
        load.run(5)
        load.counted(target)
        load.run(100, meanwhile=watch)
        page = load.counted(target)
        assert watch.pages
        deadline = time.monotonic() + 10
        while service.stderr.count("Booting worker") <= (4 if kind == "gevent" else 7):  # one of gevent's may serve nearly all
            assert time.monotonic() < deadline, "few workers were recycled"
            time.sleep(0.05)
        assert target.scrape().total(REQUESTS) == page.total(REQUESTS)
    assert "Traceback" not in service.stderr
    assert "platform-instrument" not in service.stderr


def test_both_ways_out_are_exact_and_recycled_workers_open_no_new_series(collector: Collector) -> None:
    target = Target.free()
    env = target.environment("prometheus,otlp", OTEL_RESOURCE_ATTRIBUTES="service.instance.id=shop")
    with gunicorn(target, "--max-requests", "10", *KINDS["sync"], env=env, collector=collector) as service:
        load = Load(service)
        load.run(25)
        assert load.counted(target).total(REQUESTS) == 100
        service.terminate()
    points = collector.latest("http.server.request.duration")
    assert sum(point.count for point in points) == load.answered
    assert len({point.resource["process.pid"] for point in points}) > 4
    assert {point.resource["service.instance.id"] for point in points} <= {"shop", *(f"shop.{slot}" for slot in range(1, 5))}


def test_nothing_is_pushed_where_only_prometheus_is_asked_for(collector: Collector) -> None:
    target = Target.free()
    with gunicorn(target, *KINDS["sync"], collector=collector, workers=2) as service:
        service.get("/")
        assert target.wait(lambda page: page.total(REQUESTS) == 1)
        service.terminate()
    assert not collector.requests


def test_a_service_without_requests_answers() -> None:
    target = Target.free()
    with gunicorn(target, *KINDS["sync"]):
        page = target.wait(lambda _: True)
    assert page.values("target_info", service_name="bare") == [1]
    assert not page.values(REQUESTS)


def test_what_a_killed_worker_has_counted_is_kept() -> None:
    target = Target.free()
    with gunicorn(target, *KINDS["sync"]) as service:
        load = Load(service)
        load.run(10)
        load.counted(target)
        for worker in children(service.pid)[:3]:
            os.kill(worker, signal.SIGKILL)
        assert target.scrape().total(REQUESTS) == 40
        load.run(10)
        load.counted(target)


@pytest.mark.slow
def test_what_was_counted_some_time_before_a_kill_is_kept_without_a_scrape() -> None:
    target = Target.free()
    with gunicorn(target, *KINDS["sync"], workers=1) as service:
        Load(service).run(10)
        time.sleep(11)  # at most ten between two states
        os.kill(children(service.pid)[0], signal.SIGKILL)
        assert target.wait(lambda page: page.total(REQUESTS) == 40)


def test_a_worker_that_hangs_is_named_and_holds_a_scrape_up_a_quarter_of_a_second() -> None:
    target = Target.free()
    with gunicorn(target, "-t", "60", *KINDS["sync"]) as service:
        Load(service).run(10)
        assert target.wait(lambda page: page.total(REQUESTS) == 40).unanswered == []
        hung = children(service.pid)[1]
        os.kill(hung, signal.SIGSTOP)
        _wait_until_stopped(hung)
        pages = [target.scrape() for _ in range(5)]
        os.kill(hung, signal.SIGCONT)
        assert [page.unanswered for page in pages] == [[hung]] * 5
        assert min(page.seconds for page in pages) >= 0.25
        assert min(page.seconds for page in pages) < 0.35
        assert max(page.seconds for page in pages) < 0.25 + MARGIN
        assert [page.total(REQUESTS) for page in pages] == [40] * 5
        after = target.wait(lambda page: not page.unanswered)
        assert after.total("platform_prometheus_unanswered_total") >= 4


def test_nothing_is_left_of_a_service_that_was_killed() -> None:
    target = Target.free()
    before = set(Path("/dev/shm").iterdir()), {path.name for path in Path("/tmp").glob("*platform*")}  # noqa: S108 - looked at
    with gunicorn(target, *KINDS["sync"]) as service:
        Load(service).run(10)
        assert target.wait(lambda page: page.total(REQUESTS) == 40)
    with gunicorn(target, *KINDS["sync"]) as service:  # the port is free, and nothing is remembered
        service.get("/")
        assert target.wait(lambda page: page.total(REQUESTS)).total(REQUESTS) == 1
    after = set(Path("/dev/shm").iterdir()), {path.name for path in Path("/tmp").glob("*platform*")}  # noqa: S108 - looked at
    assert after == before


def test_two_services_side_by_side_do_not_mix() -> None:
    shop, stock = Target.free(), Target.free()
    with gunicorn(shop, *KINDS["sync"], workers=2) as one, gunicorn(stock, *KINDS["sync"], workers=2) as other:
        Load(one).run(5)
        Load(other).run(10)
        assert shop.wait(lambda page: page.total(REQUESTS)).total(REQUESTS) == 20
        assert stock.wait(lambda page: page.total(REQUESTS)).total(REQUESTS) == 40


def test_a_port_that_another_has_is_said_once_for_all_workers_and_taken_over_when_it_is_free() -> None:
    target = Target.free()
    with socket.socket() as stranger:
        stranger.bind((HOST, target.port))
        stranger.listen()
        with gunicorn(target, *KINDS["sync"]) as service:
            line = f"OTEL_EXPORTER_PROMETHEUS_PORT={target.port}"
            said = service.wait_for_output(line, 15)
            Load(service).run(5)
            time.sleep(1)
            assert service.stderr.count("platform-instrument:") == 1
            assert "another program listens there" in said
            stranger.close()
            assert target.wait(lambda page: page.total(REQUESTS) == 20)


def test_two_services_with_one_port_are_told_once_and_the_first_is_not_disturbed() -> None:
    target = Target.free()
    with gunicorn(target, *KINDS["sync"], workers=2) as first:
        Load(first).run(5)
        target.wait(lambda page: page.total(REQUESTS) == 20)
        with gunicorn(target, *KINDS["sync"], workers=2) as second:
            second.wait_for_output(f"OTEL_EXPORTER_PROMETHEUS_PORT={target.port}", 15)
            Load(second).run(5)
            time.sleep(1)
            assert second.stderr.count("platform-instrument:") == 1
            assert target.scrape().total(REQUESTS) == 20
            first.terminate()
            assert target.wait(lambda page: page.values("target_info") and page.total(REQUESTS) == 20, 20)
            second.get("/")
            assert target.wait(lambda page: page.total(REQUESTS) == 21)
    assert "platform-instrument" not in first.stderr


def test_a_host_that_is_none_is_said_once_and_the_service_runs() -> None:
    target = Target.free()
    env = target.environment(OTEL_EXPORTER_PROMETHEUS_HOST="192.0.2.1")
    with gunicorn(target, *KINDS["sync"], env=env, workers=2) as service:
        Load(service).run(5)
        service.wait_for_output("OTEL_EXPORTER_PROMETHEUS_HOST=192.0.2.1", 10)
        time.sleep(1)
        assert service.stderr.count("platform-instrument:") == 1


@pytest.mark.parametrize("preload", [(), ("--preload",)])
def test_the_master_has_no_thread_and_of_sockets_the_listening_one_alone(preload: tuple[str, ...]) -> None:
    def belongings(service: Service) -> tuple[int, int]:
        process = Path(f"/proc/{service.pid}")
        links = [str(link.readlink()) for link in (process / "fd").iterdir()]
        return len(list((process / "task").iterdir())), sum(link.startswith("socket:") for link in links)

    def settled(env: dict[str, str] | None) -> tuple[int, int]:
        with gunicorn(target, *preload, *KINDS["sync"], env=env, workers=2) as service:
            service.get("/")
            time.sleep(1)
            return belongings(service)

    target = Target.free()
    threads, sockets = settled({"OTEL_SDK_DISABLED": "true", "AT_IMPORT": "1"})
    assert settled(target.environment(AT_IMPORT="1")) == (threads, sockets + 1)


def test_what_the_master_has_counted_is_on_the_page_once() -> None:
    target = Target.free()
    with gunicorn(target, "--preload", *KINDS["sync"], env=target.environment(AT_IMPORT="1")):
        for _ in range(3):
            assert target.wait(lambda _: True).total("db_client_operation_duration_seconds_count") == 1


@pytest.mark.parametrize("kind", ["sync", "uvicorn_worker"])
def test_each_worker_has_series_of_its_own_by_setting(kind: str) -> None:
    target = Target.free()
    env = target.environment(PLATFORM_PROMETHEUS_INSTANCE_LABEL="true")
    with gunicorn(target, "--max-requests", "10", *KINDS[kind], env=env, workers=2) as service:
        load, instances, deadline = Load(service), [""], time.monotonic() + 20
        while len(instances) < 2 and time.monotonic() < deadline:  # the first worker may be done before the second begins
            load.run(25)
            page = load.counted(target)
            instances = [dict(sample.labels)["service_instance_id"] for sample in page.samples if sample.name == REQUESTS]
    assert page.total(REQUESTS) == load.answered
    assert len(instances) == len(set(instances)) == 2


def limited(target: Target, limit: str) -> Service:
    """Return a service of two workers that has a limit of the shell's."""
    port = free_port()
    command = f"ulimit {limit}; exec {BIN}/platform-instrument gunicorn -w 2 -b {HOST}:{port} bare:wsgi"
    return Service(["sh", "-c", command], port, env=target.environment(), cwd=PROGRAMS)


def test_few_descriptors_are_enough() -> None:
    target = Target.free()
    with limited(target, "-n 60") as service:
        load = Load(service)
        load.run(10)
        load.counted(target)
    assert "platform-instrument" not in service.stderr


def test_where_the_common_memory_cannot_be_written_each_worker_answers_for_itself_and_says_so() -> None:
    target = Target.free()
    with limited(target, "-f 2000") as service:
        Load(service).run(10)
        service.wait_for_output("this process has no slot among the workers of its service")
        pages = [target.scrape().total(REQUESTS) for _ in range(5)]
        assert service.get("/")[0] == 200
    assert 0 < max(pages) <= 40
    assert "fault" not in service.stderr


def test_a_reload_keeps_the_count() -> None:
    target = Target.free()
    with gunicorn(target, *KINDS["sync"], workers=2) as service:
        load, watch = Load(service), Watch(target)
        load.run(5)
        old = set(children(service.pid))
        service.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while old & set(children(service.pid)):
            assert time.monotonic() < deadline
            watch()
        load.run(5)
        load.counted(target)


def test_two_workers_of_uvicorn_are_one_service() -> None:
    target, port = Target.free(), free_port()
    argv, env = door("command", [BIN / "uvicorn", "bare:asgi", "--workers", "2", "--port", str(port)])
    with Service(argv, port, env={**env, **target.environment()}, cwd=PROGRAMS) as service:
        load = Load(service)
        load.run(25)
        load.counted(target)
        pages = [target.scrape() for _ in range(10)]
        assert [page.total(REQUESTS) for page in pages] == [load.answered] * 10
        os.kill(next(child for child in children(service.pid) if "spawn_main" in _command(child)), signal.SIGKILL)
        load.run(25)
        load.counted(target)
    assert "platform-instrument" not in service.stderr


@pytest.mark.parametrize("mode", [[], ["--lazy-apps"]])
def test_workers_of_uwsgi_are_one_service_and_answer_before_they_are_asked_anything(mode: list[str]) -> None:
    target, port = Target.free(), free_port()
    words = [str(BIN / "uwsgi"), "--master", "-p", "2", "--http-socket", f"{HOST}:{port}", "--die-on-term", "--enable-threads"]
    words += ["--virtualenv", sys.prefix, "--pythonpath", ".", "--module", "under_uwsgi:app", *mode]
    argv, env = door("pth", words)
    with Service(argv, port, env={**env, **target.environment()}, cwd=PROGRAMS) as service:
        assert not target.wait(lambda _: True).values(REQUESTS)
        load = Load(service, path="/items/1")
        load.run(10)
        load.counted(target)
        for worker in children(service.pid):
            os.kill(worker, signal.SIGKILL)
        load.run(10)
        load.counted(target)


def _wait_until_stopped(process: int) -> None:
    """Wait for all threads: on a busy machine one goes on, and accepts, until another has seen the signal."""
    deadline = time.monotonic() + 10
    while {stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{process}/task").glob("*/stat")} != {"T"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _command(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text()
