"""gRPC beside what applications do with it: interceptors, credentials, upstream's instrumentors, forks, an exporter of their own."""

from __future__ import annotations

import gc
import json
import sys
import weakref
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc import aio

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.engine import apply
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.testing.contract import InstrumentationContract
from tests.instrumentations.grpc_services import KINDS, SERVICE, Service, ask, serving
from tests.instrumentations.recording import Recording, inside, recording
from tests.instrumentations.test_grpc import NAMES, pair, spans
from tests.processes import door, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.collector import Collector

PROGRAM = Path(__file__).parent / "programs" / "forked_grpc.py"


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording(*NAMES) as running:
        yield running


class Details(grpc.ClientCallDetails):
    def __init__(self, given: Any, metadata: Any) -> None:
        self.method, self.timeout, self.credentials = given.method, given.timeout, given.credentials
        self.metadata = metadata
        self.wait_for_ready = self.compression = None


class Retrying(grpc.UnaryUnaryClientInterceptor):
    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: bytes) -> Any:
        metadata = [*(client_call_details.metadata or ()), ("x-attempt", "1")]
        details = Details(client_call_details, metadata)
        first = continuation(details, request)
        return continuation(details, b"tea") if first.code() != grpc.StatusCode.OK else first


class Shouting(grpc.ServerInterceptor):
    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = continuation(handler_call_details)
        attempts.append(dict(handler_call_details.invocation_metadata).get("x-attempt"))
        return grpc.unary_unary_rpc_method_handler(lambda request, context: handler.unary_unary(request, context).upper())


class AioShouting(aio.ServerInterceptor):
    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        attempts.append(dict(handler_call_details.invocation_metadata).get("x-attempt"))

        async def shouting(request: bytes, context: Any) -> bytes:
            answer: bytes = await handler.unary_unary(request, context)
            return answer.upper()

        return grpc.unary_unary_rpc_method_handler(shouting)


class AioMarking(aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: bytes) -> Any:
        client_call_details.metadata.add("x-attempt", "1")
        return await continuation(client_call_details, request)


attempts: list[Any] = []


@pytest.mark.parametrize("server", KINDS)
def test_interceptors_of_the_application_stay_and_an_attempt_is_a_span(recorded: Recording, server: str) -> None:
    attempts.clear()
    interceptor = Shouting() if server == "threads" else AioShouting()
    with serving(server, Service().handlers(server), interceptors=(interceptor,), compression=grpc.Compression.Gzip) as port:
        with grpc.insecure_channel(f"localhost:{port}", compression=grpc.Compression.Gzip) as plain, inside() as above:
            channel = grpc.intercept_channel(plain, Retrying())
            assert channel.unary_unary(f"/{SERVICE}/Get")(b"abort", timeout=5) == b"TEATEA"
            found = spans(recorded, 4)
        recorded.take()
        assert attempts == ["1", "1"]
        assert sorted((span.kind, span.attributes["rpc.grpc.status_code"]) for span in found) == [
            ("CLIENT", 0), ("CLIENT", 5), ("SERVER", 0), ("SERVER", 5),
        ]  # fmt: skip
        assert {span.parent_id for span in found if span.kind == "CLIENT"} == {f"{above.span_id:016x}"}
        assert ask("coroutines", port, "Get", b"tea", channel={"interceptors": (AioMarking(),)}) == b"TEATEA"
        pair(recorded)
    assert attempts == ["1"] * 3


def test_call_credentials_add_their_metadata(recorded: Recording) -> None:
    seen: list[Any] = []

    def get(request: bytes, context: Any) -> bytes:
        seen.append(dict(context.invocation_metadata()))
        return request

    handlers = (grpc.method_handlers_generic_handler(SERVICE, {"Get": grpc.unary_unary_rpc_method_handler(get)}),)
    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=handlers)
    port = server.add_secure_port("localhost:0", grpc.local_server_credentials())
    server.start()
    token = grpc.access_token_call_credentials("secret")
    credentials = grpc.composite_channel_credentials(grpc.local_channel_credentials(), token)
    with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
        channel.unary_unary(f"/{SERVICE}/Get")(b"tea", timeout=5)
        sent, _ = pair(recorded)
    server.stop(None).wait()
    assert seen[0]["authorization"] == "Bearer secret"
    assert seen[0]["traceparent"].split("-")[2] == sent.span_id


@pytest.mark.parametrize("server", KINDS)
def test_upstream_s_instrumentors_make_no_span_where_we_do(server: str) -> None:
    upstream = pytest.importorskip("opentelemetry.instrumentation.grpc")
    trace = pytest.importorskip("opentelemetry.trace")
    seen: list[Any] = []
    with recording(*NAMES, "opentelemetry", "instrumentors") as recorded:
        from platform_instrument.telemetry.api import TracerProvider

        provider = TracerProvider()
        client = upstream.client_interceptor(provider)
        interceptor = (upstream.server_interceptor if server == "threads" else upstream.aio_server_interceptor)(provider)
        service = Service(lambda _request: seen.append(trace.get_current_span().get_span_context().span_id))
        with (
            serving(server, service.handlers(server), interceptors=(interceptor,)) as port,
            grpc.insecure_channel(f"localhost:{port}") as plain,
        ):
            channel = upstream.grpcext.intercept_channel(plain, client)
            assert channel.unary_unary(f"/{SERVICE}/Get")(b"tea", timeout=5) == b"teatea"
            sent, served = pair(recorded)
        assert (sent.name, served.name) == (f"{SERVICE}/Get",) * 2
        assert served.parent_id == sent.span_id
        assert [f"{span_id:016x}" for span_id in seen] == [served.span_id]
        assert {name for name in served.attributes if name.startswith(("net.", "rpc."))} == {
            "rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code",
        }  # fmt: skip


@pytest.mark.parametrize("client", KINDS)
def test_nothing_is_seen_of_who_observes_nothing(recorded: Recording, client: str) -> None:
    with serving("threads", Service().handlers("threads")) as port:
        before = CURRENT.get()
        CURRENT.set(Ambient(families=SUPPRESSED))
        try:
            ask(client, port, "Get", b"tea")
        finally:
            CURRENT.set(before)
        (served,) = spans(recorded, 1)
    assert (served.kind, served.parent_id) == ("SERVER", "")


def test_a_channel_and_its_callers_are_let_go_as_without_us(recorded: Recording) -> None:
    with serving("threads", Service().handlers("threads")) as port:
        channel = grpc.insecure_channel(f"localhost:{port}")
        get = channel.unary_unary(f"/{SERVICE}/Get")
        list_ = channel.unary_stream(f"/{SERVICE}/List")
        assert (get(b"tea"), next(iter([*list_(b"tea")]))) == (b"teatea", b"tea0")
        spans(recorded, 4)
        gone = weakref.ref(channel._call_state)
        gc.disable()
        try:
            del channel, get, list_
            assert gone() is None
        finally:
            gc.enable()


def test_calls_after_an_undo_are_as_before(recorded: Recording) -> None:
    with serving("coroutines", Service().handlers("coroutines")) as port, grpc.insecure_channel(f"localhost:{port}") as channel:
        get = channel.unary_unary(f"/{SERVICE}/Get")
        assert get(b"tea") == b"teatea"
        pair(recorded)
        for name in NAMES:
            apply.uninstall(name)
        assert get(b"tea") == b"teatea"
        assert recorded.spans == ()


def test_a_client_goes_on_in_a_fork_child(collector: Collector) -> None:
    argv, variables = door("command", [sys.executable, PROGRAM])
    env = {
        **variables,
        **collector.environment(),
        "GRPC_ENABLE_FORK_SUPPORT": "1",
        "GRPC_VERBOSITY": "NONE",
        "OTEL_METRICS_EXPORTER": "none",
    }
    ended = run(argv, env=env, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    found = [span for span in collector.spans if span.kind == "CLIENT"]
    assert sorted(span.attributes["rpc.method"] for span in found) == ["InChild", "InParent", "InParent"], told
    assert len({span.resource["service.instance.id"] for span in found}) == 2


class TestContract(InstrumentationContract):
    @pytest.fixture(autouse=True, params=NAMES)
    def _declared(self, request: Any) -> None:
        self.declared_in = f"platform_instrument.instrumentations.{request.param}"

    def exercise(self) -> None:
        aside = [name for name in NAMES if name != self.declared_in.rpartition(".")[2]]
        assert aside
        for server in KINDS:
            with serving(server, Service().handlers(server)) as port:
                for client in KINDS:
                    ask(client, port, "Get", b"tea")
                    ask(client, port, "List", b"tea")
                    with pytest.raises(grpc.RpcError):
                        ask(client, port, "Get", b"fail")

    test_its_module_imports_no_library = None  # type: ignore[assignment] # in tests/test_contract.py, as the following
    test_every_target_is_a_function = None  # type: ignore[assignment]
    test_undo_is_exact = None  # type: ignore[assignment]
    test_installing_twice_is_once = None  # type: ignore[assignment]
    test_what_is_patched_looks_like_the_original = None  # type: ignore[assignment]
    test_hostile_arguments_and_answers_are_none_of_the_application_s_business = None  # type: ignore[assignment]
