"""One span a gRPC call on either side, by threads and by coroutines: its attributes, its code, its place in the trace."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc import aio

from platform_instrument.telemetry import facts_shown, printed, tracer
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.facts import facts_of
from tests.instrumentations.grpc_services import CODE, KINDS, SERVICE, WAIT, Service, ask, serving
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.received import Span

NAMES = ("grpc_client", "grpc_server", "grpc_aio_client", "grpc_aio_server")
METHOD = {"rpc.system": "grpc", "rpc.service": SERVICE, "rpc.method": "Get"}

both = pytest.mark.parametrize("client", KINDS)
either = pytest.mark.parametrize("server", KINDS)


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording(*NAMES) as running:
        yield running


def spans(recorded: Recording, number: int) -> tuple[Span, ...]:
    """Wait until so many have ended."""
    deadline = time.monotonic() + WAIT
    while len(recorded.spans) < number and time.monotonic() < deadline:
        time.sleep(0.01)
    return recorded.spans


def pair(recorded: Recording) -> tuple[Span, Span]:
    """Wait for the two spans of a call, and return the client's and the server's."""
    client, server = sorted(spans(recorded, 2), key=lambda span: span.kind)
    recorded.take()
    return client, server


def descriptions(recorded: Recording) -> dict[str, str]:
    """Return what is said of the status of the two spans of a call."""
    spans(recorded, 2)
    kept = recorded._kept.kept
    return {("", "SERVER", "CLIENT")[span.kind_code - 1]: span.extras.status_description if span.extras else "" for span in kept}


@both
@either
def test_a_call_is_one_span_on_either_side_below_the_caller_s(recorded: Recording, client: str, server: str) -> None:
    with serving(server, Service().handlers(server)) as port, inside() as request:
        assert ask(client, port, "Get", b"tea") == b"teatea"
        sent, served = pair(recorded)
    trace_id, above = ids(request)
    assert (sent.kind, served.kind) == ("CLIENT", "SERVER")
    assert sent.name == served.name == "shop.Orders/Get"
    assert sent.attributes == {**METHOD, "server.address": "localhost", "server.port": port, "rpc.grpc.status_code": 0}
    peer = {key: served.attributes[key] for key in ("network.peer.address", "network.peer.port")}
    assert served.attributes == {
        **METHOD, **peer, "server.address": "localhost" if server == "threads" else "127.0.0.1", "server.port": port, "rpc.grpc.status_code": 0,
    }  # fmt: skip
    assert peer["network.peer.address"] == "127.0.0.1"
    assert (sent.trace_id, sent.parent_id) == (trace_id, above)
    assert (served.trace_id, served.parent_id) == (trace_id, sent.span_id)
    assert (sent.status, served.status) == ("UNSET", "UNSET")
    assert CURRENT.get() is None


@both
@either
@pytest.mark.parametrize(
    ("request_", "code", "details", "of_server"),
    [
        (b"abort", 5, "no such order", None),
        (b"fail", 15, "the shelf is empty", "DATA_LOSS"),
        (b"code", 14, "come back later", "UNAVAILABLE"),
    ],
)
def test_a_code_is_an_error_to_clients_and_to_the_server_where_it_is_its_own_fault(  # noqa: PLR0913 - what is told apart
    recorded: Recording, client: str, server: str, request_: bytes, code: int, details: str, of_server: str | None
) -> None:
    with serving(server, Service().handlers(server)) as port, pytest.raises(grpc.RpcError) as raised:
        ask(client, port, "Get", request_)
    said = descriptions(recorded)
    sent, served = pair(recorded)
    assert (raised.value.code().value[0], raised.value.details()) == (code, details)
    assert sent.attributes["rpc.grpc.status_code"] == served.attributes["rpc.grpc.status_code"] == code
    assert (sent.status, said["CLIENT"], sent.attributes["error.type"]) == ("ERROR", details, list(CODE)[code].name)
    assert served.attributes.get("error.type") == of_server
    assert (served.status, said["SERVER"]) == (("ERROR", details) if of_server else ("UNSET", ""))
    assert served.events == ()


@either
@pytest.mark.parametrize("method", ["Get", "List"])
def test_what_a_handler_raises_is_recorded_once(recorded: Recording, server: str, method: str) -> None:
    with serving(server, Service().handlers(server)) as port, pytest.raises(grpc.RpcError) as raised:
        ask("threads", port, method, b"raise")
    sent, served = pair(recorded)
    assert raised.value.code() == CODE.UNKNOWN
    assert sent.attributes["error.type"] == "UNKNOWN"
    assert (served.attributes["rpc.grpc.status_code"], served.attributes["error.type"], served.status) == (
        2,
        "LookupError",
        "ERROR",
    )
    (event,) = served.events
    assert (event.attributes["exception.type"], event.attributes["exception.message"]) == ("LookupError", "nothing here")
    assert "platform_instrument" not in event.attributes["exception.stacktrace"]


@both
@either
def test_a_deadline_ends_both_spans(recorded: Recording, client: str, server: str) -> None:
    service = Service()
    with serving(server, service.handlers(server)) as port:
        with pytest.raises(grpc.RpcError):
            ask(client, port, "Get", b"wait", timeout=0.2)
        time.sleep(0.3)  # the server is told, too
        service.release.set()
        sent, served = pair(recorded)
    assert (sent.attributes["rpc.grpc.status_code"], sent.attributes["error.type"]) == (4, "DEADLINE_EXCEEDED")
    assert (served.attributes["rpc.grpc.status_code"], served.attributes["error.type"]) == (4, "DEADLINE_EXCEEDED")
    assert sent.end_ns - sent.start_ns >= 0.15e9


@either
def test_a_cancelled_call_ends_both_spans(recorded: Recording, server: str) -> None:
    service = Service()
    with serving(server, service.handlers(server)) as port:

        async def main() -> None:
            async with aio.insecure_channel(f"localhost:{port}") as channel:
                call = channel.unary_unary(f"/{SERVICE}/Get")(b"wait")
                await asyncio.sleep(0.2)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                await asyncio.sleep(0.3)  # the server is told, too

        asyncio.run(main())
        service.release.set()
        sent, served = pair(recorded)
    assert (sent.attributes["rpc.grpc.status_code"], sent.attributes["error.type"]) == (1, "CANCELLED")
    assert (served.attributes["rpc.grpc.status_code"], served.attributes.get("error.type")) == (1, None)


@both
def test_a_method_that_is_not_there_and_a_server_that_is_not_there_are_told_by_the_client(
    recorded: Recording, client: str
) -> None:
    with serving("threads", Service().handlers("threads")) as port, pytest.raises(grpc.RpcError):
        ask(client, port, "/shop.Orders/Nothing", b"")
    with pytest.raises(grpc.RpcError):
        ask(client, port, "Get", b"")
    found = [(span.kind, span.attributes["error.type"]) for span in recorded.take()]
    assert found == [("CLIENT", "UNIMPLEMENTED"), ("CLIENT", "UNAVAILABLE")]


@both
@either
def test_baggage_state_and_the_application_s_own_metadata_arrive(recorded: Recording, client: str, server: str) -> None:
    seen: list[Any] = []

    def note(_request: bytes) -> None:
        current: Any = CURRENT.get()
        seen.append((dict(current.local.baggage), current.local.trace_state))

    given = (
        ("x-own", "1"),
        ("x-own-bin", b"\x00\xff"),
        ("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01"),
        ("baggage", "own=1"),
    )
    with serving(server, Service(note).handlers(server)) as port, inside({"tenant": "acme"}, "vendor=1"):
        ask(client, port, "Get", b"tea", metadata=given)
        sent, served = pair(recorded)
    assert seen == [({"own": "1", "tenant": "acme"}, "vendor=1")]
    assert served.parent_id == sent.span_id


@either
def test_the_span_is_current_in_the_handler_and_two_calls_never_mix(recorded: Recording, server: str) -> None:
    seen: dict[bytes, set[str]] = {}
    barrier = threading.Barrier(4)

    def note(request: bytes) -> None:
        current: Any = CURRENT.get()
        seen.setdefault(request, set()).add(f"{current.span_id:016x}")

    with serving(server, Service(note).handlers(server)) as port:

        def one(number: int) -> list[bytes]:
            barrier.wait(WAIT)
            return [got for _ in range(5) for got in ask("threads", port, "List", b"call%d" % number)]

        with futures.ThreadPoolExecutor(4) as pool:
            assert [len(got) for got in pool.map(one, range(4))] == [15] * 4
        spans(recorded, 40)
    served = {span.span_id: span.parent_id for span in recorded.take() if span.kind == "SERVER"}
    assert [len(each) for each in seen.values()] == [5] * 4
    assert set().union(*seen.values()) == set(served)
    assert len(set(served.values())) == 20


@either
def test_health_and_reflection_leave_no_span_unless_the_setting_says_so(server: str) -> None:
    under: list[Any] = []

    def check(request: bytes, _context: Any) -> bytes:
        under.append(CURRENT.get())
        return request

    handlers = (
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)}),
    )
    for value, seen in ((None, 0), ("none", 2), (f"{SERVICE},other", 2)):
        environ = {} if value is None else {"OTEL_PYTHON_GRPC_EXCLUDED_SERVICES": value}
        with recording(*NAMES, environ=environ) as recorded, serving(server, handlers) as port:
            assert ask("threads", port, "/grpc.health.v1.Health/Check", b"") == b""
            assert ask("coroutines", port, "/grpc.health.v1.Health/Check", b"") == b""
            time.sleep(0.3)
            assert len(recorded.take()) == 2 * seen
            assert sum(count for _, count in recorded.counted("rpc.server.call.duration")) == 2
    assert [bool(current.recording) for current in under] == [False] * 2 + [True] * 4


@either
@both
def test_the_id_of_a_request_is_taken_up_and_handed_on(monkeypatch: pytest.MonkeyPatch, server: str, client: str) -> None:
    monkeypatch.setattr(tracer, "STARTED", None)
    for name in ("current_ids", "finished", "unsaid"):
        monkeypatch.setattr(printed, name, getattr(printed, name))
    monkeypatch.setattr(facts_shown._Shown, "by", None)
    seen: list[str] = []

    def note(_request: bytes) -> None:
        current: Any = CURRENT.get()
        facts = facts_of(current)
        assert facts is not None
        seen.append(facts.request_id)
        if len(seen) == 1:
            assert ask(client, port, "Get", b"below") == b"belowbelow"

    with (
        recording(*NAMES, environ={"PLATFORM_REQUEST_ID": "true"}),
        serving(server, Service(note).handlers(server, asynchronous=False)) as port,
    ):
        facts_shown.put_in_force()
        ask("threads", port, "Get", b"tea", metadata=(("x-request-id", "caller-1"),))
        ask("threads", port, "Get", b"tea")
    assert seen[:2] == ["caller-1", "caller-1"]
    assert len(seen[2]) == 36
