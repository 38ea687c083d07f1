"""Nobody can reach a process by our doing unless a setting asks for it, and then only where the setting says."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platform_instrument.instrumentations._index import TRIGGERS
from tests.processes import BIN, HOST, Service, door, environment, free_port
from tests.security.reach import reachable
from tests.web.serving import PROGRAMS as WEB
from tests.web.test_scrapes import children

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.testing.collector import Collector

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sockets are looked up in /proc")

PROGRAM = Path(__file__).parent / "programs" / "imports_everything.py"
ALL_ON = {
    "PLATFORM_PROBES": "true",
    "PLATFORM_READINESS": "gate",
    "PLATFORM_SHUTDOWN": "true",
    "PLATFORM_REQUEST_ID": "true",
    "PLATFORM_LOG_FLIGHT_RECORDER": "true",
    "PLATFORM_CACHE_METRICS": "true",
    "PLATFORM_WEBSOCKETS": "true",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_TRACES_EXPORTER": "otlp,console",
}
"""Whatever can be switched on without a port."""


@contextlib.contextmanager
def running(env: Mapping[str, str], *names: str, way: str = "command") -> Iterator[list[int]]:
    """Run the program; return its processes once both wait."""
    argv, variables = door(way, [sys.executable, PROGRAM, *names])
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv, env=environment({**variables, **env}), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            pids: list[int] = []
            while len(pids) < 2:
                line = process.stdout.readline()
                assert line
                pids += [int(line)] if line.strip().isdecimal() else []
            yield pids
        finally:
            process.communicate(timeout=30)


@pytest.mark.parametrize("settings", [pytest.param({}, id="defaults"), pytest.param(ALL_ON, id="all on", marks=pytest.mark.slow)])
def test_nothing_listens_unless_it_is_asked_for(settings: dict[str, str], collector: Collector) -> None:
    names = sorted({trigger.partition(".")[0] for trigger in TRIGGERS})
    with running({**collector.environment(), **settings}, *names) as pids:
        assert [reachable(pid) for pid in pids] == [set(), set()]
    assert collector.wait_for(4)


def test_a_server_s_processes_are_reached_where_they_are_without_us(collector: Collector) -> None:
    def places(way: str) -> set[str]:
        port = free_port()
        words = [str(BIN / "gunicorn"), "--preload", "-w", "2", "-b", f"{HOST}:{port}", "wsgi_apps:app"]
        words, variables = (words, {}) if way == "plain" else door(way, words)
        with Service(words, port, env={**variables, **ALL_ON}, collector=collector, cwd=WEB) as service:
            deadline = time.monotonic() + 10
            while len(pids := [service.pid, *children(service.pid)]) < 3:
                assert time.monotonic() < deadline
            service.get("/")
            found = {
                place.replace(str(port), "PORT").replace(str(service.pid), "PID") for pid in pids for place in reachable(pid)
            }
            return {
                place for place in found if not place.endswith(".ctl")
            }  # of all gunicorns of an account, one at a time has it

    assert f"tcp {HOST}:PORT" in (plain := places("plain"))
    assert places("command") == plain


HOSTS = {
    "127.0.0.1": "tcp 127.0.0.1:{}",
    "localhost": "tcp 127.0.0.1:{}",
    "127.0.0.3": "tcp 127.0.0.3:{}",
    "[::1]": "tcp6 ::1:{}",
    "": "tcp 127.0.0.1:{}",
}
"""By what a setting says, where is listened; without it, on the loopback interface alone."""


@pytest.mark.parametrize("host", HOSTS)
def test_a_port_is_bound_where_its_setting_says_and_nowhere_else(host: str) -> None:
    metrics, admin = free_port(), free_port()
    env = {
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(metrics),
        "PLATFORM_ADMIN_PORT": str(admin),
        **({"OTEL_EXPORTER_PROMETHEUS_HOST": host, "PLATFORM_ADMIN_HOST": host} if host else {}),
    }
    with running(env) as pids:
        places = set().union(*map(reachable, pids))
    of_workers = {place for place in places if place.startswith("unix @platform-instrument.")}
    assert places - of_workers == {HOSTS[host].format(metrics), HOSTS[host].format(admin)}
    assert len(of_workers) <= 2 * len(pids)


def test_the_workers_own_sockets_do_not_answer_a_stranger() -> None:
    """Those have no file: whoever is on the machine can send to them. Only this user, and who holds a slot, is answered."""
    if os.geteuid():
        pytest.skip("only root can be somebody else")
    with running(
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": str(free_port())}
    ) as pids:
        address = next(place[5:] for place in reachable(pids[0]) if place.startswith("unix @platform-instrument."))
        asks = (
            "import os, socket, sys\n"
            "os.setuid(int(sys.argv[2]))\n"
            "with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mine:\n"
            "    mine.bind('\\0platform-instrument.' + sys.argv[3] + '.0')\n"
            "    mine.settimeout(1)\n"
            "    mine.sendto(b'S' + bytes(8), '\\0' + sys.argv[1])\n"
            "    try:\n"
            "        print(mine.recv(64)[:1])\n"
            "    except TimeoutError:\n"
            "        print('silence')\n"
        )  # fmt: skip
        said = [
            subprocess.run(
                [sys.executable, "-c", asks, address[1:], str(user), str(user)], capture_output=True, text=True, check=True
            ).stdout
            for user in (os.geteuid(), 65_534)
        ]
    assert said == ["b's'\n", "silence\n"]


def test_the_program_of_these_tests_is_reached_where_it_listens() -> None:
    """What finds sockets finds those that are there."""
    import socket

    with socket.create_server((HOST, 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((HOST, 0))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
            unix.bind(f"\0reach-{os.getpid()}")
            expected = {f"tcp {HOST}:{tcp.getsockname()[1]}", f"udp {HOST}:{udp.getsockname()[1]}", f"unix @reach-{os.getpid()}"}
            assert expected <= reachable(os.getpid())
