"""Streams of gRPC: their spans last until they end, are cancelled or dropped; sizes by message, and how many there were."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import time
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc import aio, experimental

from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing import received
from tests.instrumentations.grpc_services import KINDS, SERVICE, Service, ask, serving
from tests.instrumentations.recording import Recording, inside, recording
from tests.instrumentations.test_grpc import NAMES, pair, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SINGLE = ((experimental.ChannelOptions.SingleThreadedUnaryStream, 1),)

both = pytest.mark.parametrize("client", KINDS)
either = pytest.mark.parametrize("server", KINDS)


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording(*NAMES) as running:
        yield running


def measured(name: str) -> dict[str, tuple[int, float]]:
    """Return count and sum of a histogram by method."""
    points = received.points(MetricEncoder({}).encode(METRICS))
    return {str(point.attributes["rpc.method"]): (point.count, point.sum) for point in points if point.name == name}


@both
@either
def test_each_kind_of_call_is_counted_by_its_messages(recorded: Recording, client: str, server: str) -> None:
    with serving(server, Service().handlers(server)) as port:
        assert ask(client, port, "Get", b"tea") == b"teatea"
        assert ask(client, port, "List", b"tea") == [b"tea0", b"tea1", b"tea2"]
        assert ask(client, port, "Put", [b"tea", b"milk"]) == b"tea+milk"
        assert ask(client, port, "Chat", [b"tea", b"milk"]) == [b"teatea", b"milkmilk"]
        found = spans(recorded, 8)
    assert sorted(span.name for span in found) == sorted(2 * [f"{SERVICE}/{name}" for name in ("Get", "List", "Put", "Chat")])
    assert {span.attributes["rpc.grpc.status_code"] for span in found} == {0}
    for side in ("client", "server"):
        assert measured(f"rpc.{side}.request.size") == {"Get": (1, 3), "List": (1, 3), "Put": (2, 7), "Chat": (2, 7)}
        assert measured(f"rpc.{side}.response.size") == {"Get": (1, 6), "List": (3, 12), "Put": (1, 8), "Chat": (2, 14)}
        assert measured(f"rpc.{side}.requests_per_rpc") == {"List": (1, 1), "Put": (1, 2), "Chat": (1, 2)}
        assert measured(f"rpc.{side}.responses_per_rpc") == {"List": (1, 3), "Put": (1, 1), "Chat": (1, 2)}
        assert {name: count for name, (count, _) in measured(f"rpc.{side}.call.duration").items()} == {
            "Get": 1, "List": 1, "Put": 1, "Chat": 1,
        }  # fmt: skip


@both
@either
def test_the_attributes_of_the_metrics(recorded: Recording, client: str, server: str) -> None:
    with serving(server, Service().handlers(server)) as port:
        with pytest.raises(grpc.RpcError):
            ask(client, port, "Get", b"fail")
        pair(recorded)
        method = {"rpc.system": "grpc", "rpc.service": SERVICE, "rpc.method": "Get"}
        place = {"server.address": "localhost", "server.port": port}
        end = {"rpc.grpc.status_code": 15, "error.type": "DATA_LOSS"}
        assert recorded.counted("rpc.client.call.duration") == [({**method, **place, **end}, 1)]
        assert recorded.counted("rpc.client.request.size") == [({**method, **place}, 1)]
        assert recorded.counted("rpc.server.call.duration") == [({**method, **end}, 1)]
        assert recorded.counted("rpc.server.request.size") == [(method, 1)]
        assert recorded.counted("rpc.server.response.size") == []


@both
def test_sizes_are_those_of_what_was_serialized(recorded: Recording, client: str) -> None:
    def packed(value: Any) -> bytes:
        return json.dumps(value).encode()

    methods = {"Get": grpc.unary_unary_rpc_method_handler(lambda request, _context: {**request, "more": 1}, json.loads, packed)}
    with serving("threads", (grpc.method_handlers_generic_handler(SERVICE, methods),)) as port:
        options: dict[str, Any] = {"request_serializer": packed, "response_deserializer": json.loads}
        assert ask(client, port, "Get", {"tea": "ä"}, **options) == {"tea": "ä", "more": 1}
        pair(recorded)
    for side in ("client", "server"):
        assert measured(f"rpc.{side}.request.size") == {"Get": (1, len(packed({"tea": "ä"})))}
        assert measured(f"rpc.{side}.response.size") == {"Get": (1, len(packed({"tea": "ä", "more": 1})))}


@both
def test_what_cannot_be_serialized_is_the_application_s_own_failure(recorded: Recording, client: str) -> None:
    def refuse(_value: Any) -> Any:
        message = "no such type"
        raise TypeError(message)

    with serving("threads", Service().handlers("threads")) as port:
        with contextlib.suppress(grpc.RpcError):  # coroutines are given None
            ask(client, port, "Get", b"tea", response_deserializer=refuse)
        spans(recorded, 2)
    sent = next(span for span in recorded.take() if span.kind == "CLIENT")
    assert sent.attributes["rpc.grpc.status_code"] in {0, 13}
    with serving("threads", (grpc.method_handlers_generic_handler(SERVICE, {
        "Get": grpc.unary_unary_rpc_method_handler(lambda request, _context: request, response_serializer=refuse),
    }),)) as port, pytest.raises(grpc.RpcError) as raised:  # fmt: skip
        ask(client, port, "Get", b"tea")
    _, served = pair(recorded)
    assert raised.value.code() == grpc.StatusCode.INTERNAL
    assert (served.attributes["rpc.grpc.status_code"], served.attributes["error.type"]) == (13, "TypeError")
    assert [event.attributes["exception.message"] for event in served.events] == ["no such type"]


def cancelled(channel: grpc.Channel) -> None:
    stream = channel.unary_stream(f"/{SERVICE}/List")(b"wait")
    assert next(stream) == b"wait0"
    assert stream.cancel()


def dropped(channel: grpc.Channel) -> None:
    stream = channel.unary_stream(f"/{SERVICE}/List")(b"wait")
    assert next(stream) == b"wait0"


@pytest.mark.parametrize("leave", [cancelled, dropped])
@pytest.mark.parametrize("options", [(), SINGLE], ids=["spinning", "single"])
@either
def test_a_stream_that_nobody_reads_on_has_ended(
    recorded: Recording, leave: Callable[[grpc.Channel], None], options: Any, server: str
) -> None:
    gc.disable()  # nothing of it waits for the collector
    try:
        with serving(server, Service().handlers(server)) as port, grpc.insecure_channel(f"localhost:{port}", options) as channel:
            leave(channel)
            sent, served = pair(recorded)
    finally:
        gc.enable()
    assert [span.attributes["rpc.grpc.status_code"] for span in (sent, served)] == [1, 1]
    assert (sent.attributes["error.type"], served.attributes.get("error.type")) == ("CANCELLED", None)


@pytest.mark.parametrize("leave", ["cancelled", "closed"])
def test_a_stream_of_coroutines_ends_when_it_is_cancelled_or_its_channel_closed(recorded: Recording, leave: str) -> None:
    async def main(port: int) -> None:
        async with aio.insecure_channel(f"localhost:{port}") as channel:
            stream = channel.unary_stream(f"/{SERVICE}/List")(b"wait")
            assert await stream.read() == b"wait0"
            if leave == "cancelled":
                stream.cancel()
                await asyncio.sleep(0.2)
                assert [span.kind for span in recorded.spans][:1] == ["CLIENT"]
            else:  # the library's own callback holds the call
                await asyncio.sleep(0.2)
                assert recorded.spans == ()

    with serving("coroutines", Service().handlers("coroutines")) as port:
        asyncio.run(main(port))
        sent, served = pair(recorded)
    assert [span.attributes["rpc.grpc.status_code"] for span in (sent, served)] == [1, 1]


def test_a_stream_lasts_while_it_is_read_and_is_not_current_there(recorded: Recording) -> None:
    with (
        serving("threads", Service().handlers("threads")) as port,
        grpc.insecure_channel(f"localhost:{port}") as channel,
        inside() as span,
    ):
        for _ in channel.unary_stream(f"/{SERVICE}/List")(b"tea"):
            assert CURRENT.get() is span
            time.sleep(0.1)
        sent, _ = pair(recorded)
    assert sent.end_ns - sent.start_ns >= 0.2e9


def test_a_future_ends_when_it_is_done(recorded: Recording) -> None:
    service = Service()
    with serving("threads", service.handlers("threads")) as port, grpc.insecure_channel(f"localhost:{port}") as channel:
        waiting = channel.unary_unary(f"/{SERVICE}/Get").future(b"wait")
        put = channel.stream_unary(f"/{SERVICE}/Put").future(iter([b"a", b"b"]))
        assert put.result() == b"a+b"
        spans(recorded, 2)
        assert {span.name for span in recorded.take()} == {f"{SERVICE}/Put"}
        service.release.set()
        assert waiting.result() == b"waitwait"
        sent, served = pair(recorded)
    assert (sent.name, served.parent_id) == (f"{SERVICE}/Get", sent.span_id)


def test_the_context_of_a_generator_is_its_own_while_it_runs(recorded: Recording) -> None:
    seen: list[Any] = []
    service = Service(lambda _request: seen.append(CURRENT.get()))
    with serving("coroutines", service.handlers("coroutines", asynchronous=False)) as port:
        assert ask("coroutines", port, "List", b"tea") == [b"tea0", b"tea1", b"tea2"]
        assert ask("threads", port, "Get", b"tea") == b"teatea"
        found = spans(recorded, 4)
    served = [span.span_id for span in found if span.kind == "SERVER"]
    assert [f"{each.span_id:016x}" for each in seen] == [*[served[0]] * 3, served[1]]


def test_a_call_that_no_thread_takes_is_told(recorded: Recording) -> None:
    service = Service()
    with (
        serving("threads", service.handlers("threads"), maximum_concurrent_rpcs=1) as port,
        futures.ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(ask, "threads", port, "Get", b"wait")
        time.sleep(0.3)
        with pytest.raises(grpc.RpcError) as raised:
            ask("threads", port, "Get", b"tea")
        service.release.set()
        assert first.result() == b"waitwait"
        found = spans(recorded, 4)
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert sorted(span.attributes["rpc.grpc.status_code"] for span in found) == [0, 0, 8, 8]
