"""The ASGI adapter by itself: what passes through it is what the server and the application said to each other."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import pickle
import time
import traceback
import weakref
from contextvars import copy_context
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracer import start
from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.exchange import KEY
from tests.tracebacks import FRAMES_STAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.telemetry.span import Span

START = {"type": "http.response.start", "status": 200, "headers": []}
LAST = {"type": "http.response.body", "body": b"", "more_body": False}


def scope(**changes: Any) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "http_version": "1.1", **changes}


def serve(app: Callable[..., Any], **changes: Any) -> tuple[list[Any], dict[str, Any]]:
    """Serve one request; return what was sent, and its scope."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    request = scope(**changes)
    asyncio.run(observe_asgi(app)(request, receive, send))
    return sent, request


def test_messages_reach_the_server_as_they_are(ended: list[Span]) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in (START, LAST):
            await send(message)

    sent, _ = serve(app)
    assert sent[0] is START
    assert sent[1] is LAST
    assert len(ended) == 1


@pytest.mark.parametrize(
    "early",
    [
        {"type": "http.response.debug", "info": {}},
        {"type": "http.response.push", "path": "/style.css", "headers": []},
        {"type": "http.response.early_hint", "links": []},
    ],
)
def test_what_comes_before_the_answer_does_not_end_the_span(early: dict[str, Any], ended: list[Span]) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(early)
        assert not ended
        await send(START)
        await send(LAST)
        assert ended

    serve(app)
    assert ended[0].own_attributes is not None
    assert ended[0].own_attributes["http.response.status_code"] == 200


@pytest.mark.parametrize("last", [LAST, {"type": "http.response.pathsend", "path": "/etc/hostname"}])
def test_the_span_ends_with_the_last_part_and_stays_current_for_what_follows(last: dict[str, Any], ended: list[Span]) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        assert not ended
        await send(last)
        assert ended[0] is CURRENT.get()

    serve(app)
    assert len(ended) == 1


def test_a_request_that_failed_lasts_until_its_answer_was_complete(ended: list[Span]) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({**START, "status": 503})
        await send(LAST)
        await asyncio.sleep(0.2)

    serve(app)
    assert ended[0].end_ns - ended[0].start_ns < 150_000_000


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_other_scopes_are_handed_on_with_what_the_server_gave(kind: str, ended: list[Span]) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend((scope, receive, send))

    async def receive() -> None: ...

    async def send(_message: Any) -> None: ...

    given = {"type": kind}
    asyncio.run(observe_asgi(app)(given, receive, send))
    assert seen == [given, receive, send]
    assert seen[1] is receive
    assert seen[2] is send
    assert not ended


def test_headers_that_can_be_read_once_are_left_to_the_application(ended: list[Span]) -> None:
    read: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        read.extend(scope["headers"])

    serve(app, headers=iter([(b"host", b"shop")]))
    assert read == [(b"host", b"shop")]
    assert ended[0].own_attributes is not None
    assert ended[0].own_attributes["server.address"] == "shop"


def test_a_cancelled_request_ends_once_and_stays_cancelled(ended: list[Span]) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(observe_asgi(app)(scope(), app, app))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert len(ended) == 1
    assert ended[0].own_attributes is not None
    assert "http.response.status_code" not in ended[0].own_attributes


def test_what_an_application_leaves_current_does_not_reach_the_next_request(ended: list[Span]) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        current = CURRENT.get()
        assert current is not None
        CURRENT.set(start("left open", 1, None, None, own_scope("shop"), current, current.families))
        await send(START)
        await send(LAST)

    async def connection() -> None:
        for _ in range(2):  # as a server does that has one task for a connection
            await observe_asgi(app)(scope(), never, nothing)
            assert CURRENT.get() is None

    asyncio.run(connection())
    assert len({span.trace_id for span in ended}) == len(ended) == 2


def test_a_request_that_the_garbage_collector_ends_leaves_its_context_alone(ended: list[Span]) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.Event().wait()

    async def collected() -> None:
        request = observe_asgi(app)(scope(), never, nothing)
        copy_context().run(request.send, None)
        here = CURRENT.set(Ambient(1, 2, 1))
        request.close()
        assert type(CURRENT.get()) is Ambient
        CURRENT.reset(here)

    asyncio.run(collected())
    assert len(ended) == 1


def test_a_request_leaves_no_cycle(ended: list[Span]) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        left.append(weakref.ref(CURRENT.get()))
        await send(START)
        await send(LAST)

    left: list[weakref.ref[Any]] = []
    gc.collect()
    gc.disable()
    try:
        asyncio.run(observe_asgi(app)(scope(), never, nothing))
        assert len(ended) == 1
        ended.clear()
        assert [span() for span in left] == [None]
    finally:
        gc.enable()


def test_a_scope_can_be_copied_and_pickled_as_before(ended: list[Span]) -> None:
    copies: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        pickled = pickle.dumps(scope)
        copies.extend((copy.deepcopy(scope), pickle.loads(pickled), scope))  # noqa: S301 - our own

    serve(app)
    deep, pickled, original = copies
    assert deep == original
    assert pickled == {**original, KEY: None}
    assert len(ended) == 1


async def never() -> Any:
    await asyncio.Event().wait()


async def nothing(_message: Any) -> None:
    """Send nothing."""


def test_an_exception_goes_on_as_the_object_it_was_with_the_applications_frames_only(ended: list[Span]) -> None:
    raised = LookupError("not here")

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise raised

    with pytest.raises(LookupError) as caught:
        serve(app)
    assert caught.value is raised
    names = [frame.name for frame in traceback.extract_tb(raised.__traceback__)]
    assert names[-1] == "app"
    assert FRAMES_STAY or "observed" not in names
    assert len(ended) == 1


def test_an_adapter_around_an_adapter_observes_once(ended: list[Span]) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send(LAST)

    serve(observe_asgi(app))
    assert len(ended) == 1


def test_requests_at_the_same_time_do_not_mix(ended: list[Span]) -> None:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        await asyncio.sleep(0.01)
        current = CURRENT.get()
        assert current is scope[KEY].span
        await send(START)
        await asyncio.sleep(0.01)
        await send(LAST)

    async def main() -> None:
        async def send(_message: Any) -> None: ...

        await asyncio.gather(*(observe_asgi(app)(scope(path=f"/{number}"), app, send) for number in range(50)))

    asyncio.run(main())
    assert sorted(span.own_attributes["url.path"] for span in ended if span.own_attributes) == sorted(f"/{n}" for n in range(50))
    assert {span.parent_id for span in ended} == {0}


def test_the_adapter_is_a_coroutine_function() -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None: ...

    assert inspect.iscoroutinefunction(observe_asgi(app))


@pytest.mark.faults
@pytest.mark.parametrize("broken", [{"headers": None}, {"headers": [(b"host",)]}, {"client": 5}, {"query_string": 7}])
def test_a_request_that_we_cannot_read_is_served_all_the_same(broken: dict[str, Any], ended: list[Span]) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send(LAST)

    sent, _ = serve(app, **broken)
    assert len(sent) == 2
    assert not ended


def test_a_request_costs_microseconds(ended: list[Span]) -> None:
    """A bound so wide that only a mistake of another order breaks it; `benchmarks/` has the figures."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send(LAST)

    async def send(_message: Any) -> None: ...

    async def took(served: Any) -> float:
        began = time.process_time()
        for _ in range(500):
            await served(scope(headers=[(b"host", b"shop.example"), (b"user-agent", b"tests/1.0")]), app, send)
        return (time.process_time() - began) / 500

    added = min(asyncio.run(took(observe_asgi(app))) - asyncio.run(took(app)) for _ in range(5))
    assert added < 100e-6
    assert ended


@pytest.mark.faults
def test_a_scope_that_cannot_be_written_to_leaves_nothing_current(ended: list[Span]) -> None:
    inside: list[object] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        inside.append(CURRENT.get())

    serving = observe_asgi(app)(MappingProxyType(scope()), None, None)  # type: ignore[arg-type]
    asyncio.run(serving)
    assert inside == [None]
    assert ended == []
