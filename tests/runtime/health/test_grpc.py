"""Channels of gRPC are what a process depends on: asked by connections of their own, which no call of the application's feels."""

from __future__ import annotations

import contextlib
import gc
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("grpc", reason="not in this environment: the matrix has it")

import grpc
import grpc._channel  # what the patches wait for
from grpc import aio

from platform_instrument.config.read import read
from platform_instrument.core.families import SUPPRESSED
from platform_instrument.engine.health import DOWN, HEALTH, UP
from platform_instrument.instrumentations import grpc_checks
from platform_instrument.runtime.health import channels, dependencies
from platform_instrument.runtime.health.dependencies import is_critical
from platform_instrument.runtime.health.traffic import Place
from platform_instrument.semantics.rpc import CLIENT_DURATION
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing.collector import Collector
from tests.own_servers import OwnServer
from tests.processes import HOST, accepts, door, environment, free_port, run
from tests.runtime.health.checking import checking, checks, exported, probe, states, until
from tests.runtime.health.loops import Loop
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAMS = Path(__file__).parent.parent / "programs"
KINDS = ("threads", "coroutines")
every = pytest.mark.parametrize("kind", KINDS)
LIBRARIES = ("grpc_client", "grpc_aio_client", "grpc_checks")
METHOD = "/shop.Orders/Get"
TIMEOUT = 0.5
GATE = {"PLATFORM_READINESS": "gate", "PLATFORM_READINESS_TIMEOUT": str(TIMEOUT)}
TARGETS = ("localhost:{0}", "ipv4:127.0.0.1:{0},127.0.0.1:{0}")
"""One that is knocked at, and one that is connected to as the channel does."""
QUICKLY = tuple((f"grpc.{name}_reconnect_backoff_ms", 100) for name in ("initial", "min", "max"))
"""Connections that failed are tried again soon."""


def shop(*arguments: Any, answers: Callable[[int], bool] = accepts) -> Server:
    """Return what starts our server."""
    return Server(
        name="grpc",
        url="localhost:{port}",
        port=0,
        answers=answers,
        programs=(),
        commands=lambda _programs, _folder, port: [[sys.executable, str(PROGRAMS / "grpc_shop.py"), str(port), *arguments]],
        account="",
        image="",
    )


@contextlib.contextmanager
def own(server: Server) -> Iterator[OwnServer]:
    with tempfile.TemporaryDirectory() as folder:
        running = OwnServer(server, {}, Path(folder))
        running.start()
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own(shop()) as running:
        yield running


class Channel:
    """A channel of a kind, and the loop that it lives on."""

    def __init__(self, kind: str, target: str, credentials: Any = None, options: Any = QUICKLY) -> None:
        self.loop = Loop() if kind == "coroutines" else None
        module = aio if self.loop is not None else grpc

        async def made() -> Any:
            return make()

        def make() -> Any:
            if credentials is None:
                return module.insecure_channel(target, options=options)
            return module.secure_channel(target, credentials, options=options)

        self.channel: Any = self.loop.run(made()) if self.loop is not None else make()

    def call(self, method: str = METHOD) -> bytes:
        """Call the server."""
        call = self.channel.unary_unary(method)
        if self.loop is None:
            return call(b"tea", timeout=10)  # type: ignore[no-any-return] # of gRPC

        async def called() -> Any:
            return await call(b"tea", timeout=10)

        return self.loop.run(called())  # type: ignore[no-any-return] # as above

    @property
    def state(self) -> Any:
        """The channel's state, which looking does not change."""
        number = self.channel._channel.check_connectivity_state(False)  # noqa: FBT003 - of the library
        return next(state for state in grpc.ChannelConnectivity if state.value[0] == number)

    def close(self) -> None:
        """Close it, and hold it no more."""
        channel, self.channel = self.channel, None
        if self.loop is None:
            channel.close()
            return
        self.loop.run(channel.close())
        del channel
        self.loop.close()


@contextlib.contextmanager
def using(kind: str, target: str, credentials: Any = None, options: Any = QUICKLY) -> Iterator[Channel]:
    channel = Channel(kind, target, credentials, options)
    try:
        yield channel
    finally:
        if channel.channel is not None:
            channel.close()


def asked(times: int) -> None:
    """Wait until all were asked some times."""
    seen = HEALTH.version
    until(lambda: HEALTH.version > seen + times)


@every
def test_a_channel_is_a_dependency_before_its_first_call_and_gone_with_it(kind: str, server: OwnServer) -> None:
    name = f"grpc localhost:{server.port}"
    with checking(None, *LIBRARIES), using(kind, server.url) as used:
        check = until(lambda: states() == {name: UP} and checks()[name])
        assert not check.critical
        assert 0 < check.latency_seconds < 5
        assert exported() == {(name, "grpc"): 1}
        assert used.call() == b"tea"
        used.close()
        until(lambda: gc.collect() >= 0 and states() == {})
        assert exported() == {}
        assert dependencies._clients == {}
        assert dependencies._dependencies == {}


def test_a_channel_lives_as_long_as_its_stubs(server: OwnServer) -> None:
    """Applications let go of the channel itself once they have a stub."""
    with checking(None, *LIBRARIES):
        call = grpc.insecure_channel(server.url).unary_unary(METHOD)
        gc.collect()
        until(lambda: states() == {f"grpc localhost:{server.port}": UP})
        asked(5)
        assert call(b"tea", timeout=10) == b"tea"
        del call
        until(lambda: gc.collect() >= 0 and states() == {})


@every
def test_a_channel_that_is_closed_is_gone_though_it_is_held(kind: str, server: OwnServer) -> None:
    with checking(None, *LIBRARIES), using(kind, server.url) as used:
        until(lambda: set(states().values()) == {UP})
        if used.loop is None:
            used.channel.close()
        else:
            used.loop.run(used.channel.close())
        until(lambda: states() == {})


def test_channels_to_one_place_are_one_dependency_and_those_that_come_and_go_leave_nothing(server: OwnServer) -> None:
    with checking(None, *LIBRARIES):
        channels = [grpc.insecure_channel(f"{scheme}localhost:{server.port}") for scheme in ("", "dns:", "dns:///")]
        until(lambda: states() == {f"grpc localhost:{server.port}": UP})
        assert len(dependencies._clients) == 3
        for number in range(100):
            grpc.insecure_channel(f"127.0.0.1:{server.port + number % 2}").close()
        until(lambda: gc.collect() >= 0 and set(states()) == {f"grpc localhost:{server.port}"})
        for channel in channels:
            channel.close()
        del channels, channel
        until(lambda: gc.collect() >= 0 and states() == {} and not dependencies._clients)
        assert dependencies._dependencies == {}


@every
def test_an_idle_channel_is_up_and_stays_idle_and_its_server_is_called_by_nobody(
    kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    called: list[str] = []

    class Handler(grpc.GenericRpcHandler):
        def service(self, handler_call_details: Any) -> None:
            called.append(handler_call_details.method)

    serving = grpc.server(ThreadPoolExecutor(2), handlers=(Handler(),))
    port = serving.add_insecure_port(f"{HOST}:0")
    serving.start()
    with checking(None, *LIBRARIES) as recorder, using(kind, f"{HOST}:{port}") as used:
        until(lambda: states() == {f"grpc {HOST}:{port}": UP})
        asked(10)
        assert used.state == grpc.ChannelConnectivity.IDLE
        assert states() == {f"grpc {HOST}:{port}": UP}
        assert recorder.spans == ()
        assert not [name for name, metric in METRICS.by_name.items() if name.startswith("rpc.") and metric.series()]
        assert called == []
        with pytest.raises(grpc.RpcError):  # the handler would have noted a call
            used.call()
        assert called == [METHOD]
    serving.stop(None).wait(10)
    assert capfd.readouterr() == ("", "")


@every
def test_asking_in_vain_costs_no_call_of_the_application_s(kind: str) -> None:
    """A channel that had been told to connect would fail calls at once, for a minute or two, also when its server is back."""
    slowly = tuple((f"grpc.{name}_reconnect_backoff_ms", 60_000) for name in ("initial", "min", "max"))
    with tempfile.TemporaryDirectory() as folder:
        server = OwnServer(shop(), {}, Path(folder))
        with checking(None, *LIBRARIES), using(kind, server.url, options=slowly) as used:
            check = until(lambda: set(states().values()) == {DOWN} and next(iter(checks().values())))
            assert "efused" in check.message
            asked(5)
            assert used.state == grpc.ChannelConnectivity.IDLE
            server.start()
            try:
                assert used.call() == b"tea"
            finally:
                server.stop()


@every
def test_a_channel_that_fails_to_connect_is_down_while_its_calls_fail(kind: str) -> None:
    """Whoever else could connect: its calls fail at once, and the service is of no use."""
    slowly = tuple((f"grpc.{name}_reconnect_backoff_ms", 60_000) for name in ("initial", "min", "max"))
    with tempfile.TemporaryDirectory() as folder:
        server = OwnServer(shop(), {}, Path(folder))
        with checking(None, *LIBRARIES), using(kind, server.url, options=slowly) as used:
            with pytest.raises(grpc.RpcError):
                used.call()
            server.start()
            try:
                asked(5)
                (check,) = checks().values()
                assert check.state == DOWN
                assert check.message == "ConnectionError: the channel fails to connect; its calls fail meanwhile"
                with pytest.raises(grpc.RpcError):
                    used.call()
            finally:
                server.stop()


@every
@pytest.mark.parametrize("target", TARGETS)
def test_a_server_that_freezes_is_down_in_time_and_keeps_nobody(kind: str, target: str, server: OwnServer) -> None:
    with checking(GATE, *LIBRARIES), using(kind, target.format(server.port), options=()) as used:
        used.call()  # the channel's own connection stays, and says nothing of it
        until(lambda: set(states().values()) == {UP} and HEALTH.ready())
        server.freeze()
        try:
            began = time.monotonic()
            until(lambda: set(states().values()) == {DOWN})
            took = time.monotonic() - began
            assert not HEALTH.ready()
            assert used.state == grpc.ChannelConnectivity.READY
            lates = []
            for _ in range(5):
                if used.loop is not None:
                    used.loop.lag()
                    asked(2)
                    lates.append(used.loop.lag())
            (check,) = checks().values()
            assert check.message.partition(":")[0] in {"TimeoutError", f"no answer within {TIMEOUT} s"}
        finally:
            server.thaw()
        until(lambda: set(states().values()) == {UP} and HEALTH.ready())
        assert used.call() == b"tea"
    assert TIMEOUT * 0.8 < took < TIMEOUT + 5
    assert not lates or min(lates) < 0.005, lates


def test_a_connection_that_is_there_already_is_no_answer(server: OwnServer) -> None:
    """The library shares connections among channels that are made alike."""
    with checking(GATE, *LIBRARIES), using("threads", TARGETS[1].format(server.port), options=()):
        alike = grpc._cython.cygrpc.Channel(TARGETS[1].format(server.port).encode(), (), None)
        while (state := alike.check_connectivity_state(True)) != channels.READY:  # noqa: FBT003 - of the library
            alike.watch_connectivity_state(state, time.time() + 1)
        until(lambda: set(states().values()) == {UP})
        server.freeze()
        try:
            until(lambda: set(states().values()) == {DOWN})
        finally:
            server.thaw()
        alike.close(grpc._cython.cygrpc.StatusCode.cancelled, "over")


@every
@pytest.mark.parametrize("target", TARGETS)
def test_a_server_that_ends_is_down_and_one_that_begins_anew_is_up(kind: str, target: str, server: OwnServer) -> None:
    with checking(GATE, *LIBRARIES), using(kind, target.format(server.port)) as used:
        used.call()
        until(lambda: set(states().values()) == {UP} and HEALTH.ready())
        server.stop()
        try:
            until(lambda: set(states().values()) == {DOWN} and not HEALTH.ready())
            with pytest.raises(grpc.RpcError):
                used.call()
            asked(3)
            assert set(states().values()) == {DOWN}
        finally:
            server.start()
        until(lambda: set(states().values()) == {UP} and HEALTH.ready())
        assert used.call() == b"tea"


def test_one_of_the_critical_list_gates_after_its_failures_and_comes_back(server: OwnServer) -> None:
    gates = {
        "PLATFORM_READINESS_CRITICAL": f"grpc:localhost:{server.port}",
        "PLATFORM_READINESS_FAILURES": "3",
        "PLATFORM_READINESS_SUCCESSES": "2",
    }
    told: list[tuple[str, bool]] = []
    with checking(gates, *LIBRARIES), using("threads", server.url), using("threads", f"localhost:{free_port()}"):
        name = f"grpc localhost:{server.port}"
        until(lambda: states().get(name) == UP)
        until(lambda: set(states().values()) == {UP, DOWN})
        assert HEALTH.ready()  # the other one is not on the list
        HEALTH.on_change.append(lambda: told.append((states()[name], HEALTH.ready())))
        server.stop()
        try:
            until(lambda: not HEALTH.ready())
        finally:
            server.start()
        until(HEALTH.ready)
        until(lambda: states()[name] == UP)
    assert told.index((DOWN, True)) < told.index((DOWN, False))
    assert (UP, False) not in told


@pytest.mark.parametrize(
    ("critical", "expected"),
    [("grpc", True), ("grpc:shop", True), ("grpc:shop:50051", True), ("GRPC:shop:50051", True), ("grpc shop:50051", True),
     ("grpc:shop:50052", False), ("grpc:tea", False), ("shop", False), ("redis", False)],
)  # fmt: skip
def test_a_critical_list_names_by_system_host_or_port(critical: str, expected: bool) -> None:  # noqa: FBT001 - a row
    settings, problems = read({"PLATFORM_READINESS_CRITICAL": critical})
    assert problems == []
    where = Place("grpc", "shop", 50051, "", CLIENT_DURATION)
    assert where.name == "shop:50051"
    assert is_critical(settings, "grpc shop:50051", "grpc", where) is expected


@every
def test_calls_that_succeed_are_check_enough(kind: str, server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = 0
    ask = grpc_checks.CLIENTS.asks
    assert ask is not None

    def counted(client: Any, seconds: float) -> None:
        nonlocal questions
        questions += 1
        ask(client, seconds)

    monkeypatch.setattr(grpc_checks.CLIENTS, "asks", counted)
    with checking(None, *LIBRARIES), using(kind, server.url) as used:
        until(lambda: questions > 2)

        def busy(*, failing: bool) -> int:
            before, ends = questions, time.monotonic() + 1.5
            while time.monotonic() < ends:
                used.call()
                if failing:
                    with pytest.raises(grpc.RpcError):
                        used.call("/shop.Orders/Nothing")
            return questions - before

        assert busy(failing=False) <= 2
        assert busy(failing=True) > 2
        assert set(states().values()) == {UP}


@every
def test_a_secure_channel_is_asked_with_its_own_credentials(kind: str, tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme", reason="not in this environment")
    authority = trustme.CA()
    ours, theirs = authority.issue_cert("localhost"), authority.issue_cert("client")
    names = [tmp_path / name for name in ("key", "chain", "roots")]
    for name, blob in zip(names, (ours.private_key_pem, ours.cert_chain_pems[0], authority.cert_pem), strict=True):
        name.write_bytes(blob.bytes())
    roots = authority.cert_pem.bytes()
    known = grpc.ssl_channel_credentials(roots, theirs.private_key_pem.bytes(), theirs.cert_chain_pems[0].bytes())
    stranger = grpc.ssl_channel_credentials()
    with own(shop(*map(str, names))) as server, checking(None, *LIBRARIES):
        with using(kind, server.url, known) as used:
            until(lambda: set(states().values()) == {UP})
            assert used.call() == b"tea"
        until(lambda: gc.collect() >= 0 and states() == {})
        with using(kind, server.url, stranger):
            until(lambda: set(states().values()) == {DOWN})


def test_a_channel_of_our_own_is_no_dependency(server: OwnServer) -> None:
    with checking(None, *LIBRARIES):
        token = CURRENT.set(Ambient(families=SUPPRESSED))
        try:
            channel = grpc.insecure_channel(server.url)
        finally:
            CURRENT.reset(token)
        assert states() == {}
        channel.close()


def test_switched_off_no_channel_is_looked_at(server: OwnServer) -> None:
    with checking(None, "grpc_client"), using("threads", server.url):
        assert states() == {}


FORKING = """
import json, os, sys, time
import grpc
import platform_instrument
from platform_instrument.engine.health import HEALTH

asked = []
platform_instrument.add_readiness_check("own", lambda: asked.append(1))
frozen = grpc.secure_channel(sys.argv[1], grpc.ssl_channel_credentials())  # connected to as the channel does
deadline = time.monotonic() + 20
while not any(check.state == "down" for check in HEALTH.snapshot().checks) and time.monotonic() < deadline:
    time.sleep(0.01)
    HEALTH.load()
ended = []
for _ in range(10):
    time.sleep(0.05)
    began = time.perf_counter()
    pid = os.fork()
    if not pid:
        with grpc.insecure_channel(sys.argv[2]) as channel:
            os._exit(0 if channel.unary_unary("/shop/Get")(b"tea", timeout=20) == b"tea" else 1)
    ended.append(os.waitpid(pid, 0)[1])
print(json.dumps([ended, sorted(check.state for check in HEALTH.snapshot().checks)]))
"""


def test_a_program_forks_while_a_frozen_server_is_asked(tmp_path: Path) -> None:
    """gRPC does not work in the child of a fork during which some thread is in it, and says so."""
    file = tmp_path / "forking.py"
    file.write_text(FORKING)
    with own(shop()) as frozen, own(shop()) as other:
        frozen.freeze()
        argv, env = door("command", [sys.executable, "-W", "ignore", file, frozen.url, other.url])
        checked = {"PLATFORM_PROBES": "true", "PLATFORM_READINESS_INTERVAL": "0.1", "PLATFORM_READINESS_TIMEOUT": "1"}
        done = run(argv, env={**env, **checked, "GRPC_ENABLE_FORK_SUPPORT": "1"}, timeout=90)
        frozen.thaw()
    assert done.returncode == 0, done.stderr
    assert "fork" not in done.stderr, done.stderr
    assert json.loads(done.stdout) == [[0] * 10, ["down", "up"]]


WAITING = """
import sys, time
import grpc
channel = grpc.insecure_channel(sys.argv[1])
time.sleep(120)
"""


def test_a_probe_is_answered_at_once_while_a_server_is_frozen(tmp_path: Path) -> None:
    file, port = tmp_path / "waiting.py", free_port()
    file.write_text(WAITING)
    settings = {
        "PLATFORM_ADMIN_PORT": str(port),
        "PLATFORM_READINESS_CRITICAL": "grpc",
        "PLATFORM_READINESS_INTERVAL": "0.2",
        "PLATFORM_READINESS_TIMEOUT": "0.5",
        "PLATFORM_READINESS_FAILURES": "2",
    }
    with own(shop()) as server, Collector() as collector:
        argv, env = door("command", [sys.executable, file, server.url])
        with subprocess.Popen(argv, env=environment({**env, **settings}, collector)) as process:
            try:
                name = f"grpc localhost:{server.port}"
                until(lambda: probe(port)[:2] == (200, {name: "up"}), 40)
                server.freeze()
                until(lambda: probe(port)[:2] == (503, {name: "down"}))
                assert min(probe(port)[2] for _ in range(20)) < 0.005
                server.thaw()
                until(lambda: probe(port)[:2] == (200, {name: "up"}))
            finally:
                process.kill()
        assert collector.spans == ()


@pytest.mark.parametrize(
    ("target", "plain"),
    [("shop:50051", True), ("shop", True), ("dns:///shop:50051", True), ("ipv4:10.0.0.1:50051", True), ("ipv6:[::1]:50051", True),
     ("ipv4:10.0.0.1:1,10.0.0.2:1", False), ("unix:/run/shop", False), ("xds:///shop", False), ("consul://shop", False)],
)  # fmt: skip
def test_a_server_is_knocked_at_where_anybody_connects_as_the_channel_does(
    target: str,
    plain: bool,  # noqa: FBT001 - a row
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("grpc_proxy", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert channels.Made(None, target, (), None).plain is plain
    assert not channels.Made(None, target, (), object()).plain
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    assert not channels.Made(None, target, (), None).plain


def test_a_server_that_accepts_and_hangs_up_is_down() -> None:
    """As a proxy does that stands in front of nothing."""
    with socket.create_server((HOST, 0)) as listening:

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                while True:
                    accepted, _ = listening.accept()
                    accepted.recv(1024)
                    accepted.close()

        threading.Thread(target=hang_up, daemon=True).start()
        with checking(None, *LIBRARIES), using("threads", f"{HOST}:{listening.getsockname()[1]}"):
            until(lambda: set(states().values()) == {DOWN})
        listening.shutdown(socket.SHUT_RDWR)
