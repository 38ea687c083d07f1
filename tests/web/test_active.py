"""`http.server.active_requests` says how many requests are open, and comes back to zero whatever becomes of them."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest

from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing import received
from platform_instrument.testing.recorder import recording
from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.wsgi import observe_wsgi
from tests.strikes import StruckError, handled, until_struck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START = {"type": "http.response.start", "status": 200, "headers": []}
LAST = {"type": "http.response.body", "body": b"whole"}


@pytest.fixture(autouse=True)
def _recorded() -> Iterator[None]:
    with recording():
        yield


def active() -> dict[tuple[str, str], float | None]:
    """Return how many requests are open, by method and scheme."""
    points = received.points(MetricEncoder({}).encode(METRICS))
    chosen = [point for point in points if point.name == "http.server.active_requests"]
    return {(point.attributes["http.request.method"], point.attributes["url.scheme"]): point.value for point in chosen}


def scope(**changes: Any) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "http_version": "1.1", **changes}


async def receive() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(_message: Any) -> None:
    """Send nothing."""


def served(app: Callable[..., Any], **changes: Any) -> Any:
    return observe_asgi(app)(scope(**changes), receive, send)


def test_a_request_stays_open_while_its_process_takes_over_the_slot_of_another() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        METRICS.start_ns += 1  # what `workers.membership` does then
        seen.append(active())
        await send(START)
        await send(LAST)
        seen.append(active())

    seen: list[Any] = []
    asyncio.run(served(app, scheme="https", method="PATCH"))
    assert seen == [{("PATCH", "https"): 1}, {("PATCH", "https"): 0}]


def test_a_request_is_open_until_its_answer_is_complete() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        seen.append(active())
        await send(START)
        await send({**LAST, "more_body": True})
        seen.append(active())
        await send(LAST)
        seen.append(active())

    seen: list[Any] = []
    asyncio.run(served(app, scheme="https", method="PUT"))
    assert seen == [{("PUT", "https"): 1}, {("PUT", "https"): 1}, {("PUT", "https"): 0}]


def test_requests_of_all_versions_of_the_protocol_and_excluded_ones_are_counted_together() -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await waiting.wait()

    async def main() -> None:
        changes: list[dict[str, Any]] = [
            {},
            {"http_version": "2"},
            {"headers": [(b"user-agent", b"kube-probe/1")]},
            {"type": "websocket"},
        ]
        tasks = [asyncio.create_task(served(app, **each)) for each in changes]
        await asyncio.sleep(0.01)
        assert active() == {("GET", "http"): 3}
        waiting.set()
        await asyncio.gather(*tasks)

    waiting = asyncio.Event()
    asyncio.run(main())
    assert active() == {("GET", "http"): 0}


def test_a_method_nobody_heard_of_opens_no_series() -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None: ...

    for number in range(20):
        asyncio.run(served(app, method=f"BREW{number}"))
    assert active() == {("_OTHER", "http"): 0}


def test_a_failure_that_waits_for_its_exception_is_open_until_the_application_is_left() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({**START, "status": 500})
        await send(LAST)
        seen.append(active())
        raise LookupError

    seen: list[Any] = []
    with pytest.raises(LookupError):
        asyncio.run(served(app))
    assert seen == [{("GET", "http"): 1}]
    assert active() == {("GET", "http"): 0}


def test_a_cancelled_request_is_open_no_longer() -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(served(app))
        await asyncio.sleep(0.01)
        assert active() == {("GET", "http"): 1}
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert active() == {("GET", "http"): 0}


def environ(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = dict(changes)
    setup_testing_defaults(made)
    return made


def call(app: Callable[..., Any], **changes: Any) -> Any:
    return observe_wsgi(app)(environ(**changes), lambda *_: lambda _data: None)


def test_a_wsgi_request_is_open_until_its_body_is_closed_or_dropped() -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        yield b"one"

    body = call(app)
    assert active() == {("GET", "http"): 1}
    body.close()
    assert active() == {("GET", "http"): 0}
    body = call(app)
    assert active() == {("GET", "http"): 1}
    del body
    assert active() == {("GET", "http"): 0}


def test_a_file_that_its_server_never_closes_is_open_no_longer_once_it_is_dropped(tmp_path: Any) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"file")

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        with path.open("rb") as file:
            return environ["wsgi.file_wrapper"](file)

    body = call(app, **{"wsgi.file_wrapper": FileWrapper})
    assert active() == {("GET", "http"): 1}
    del body
    gc.collect()
    assert active() == {("GET", "http"): 0}


def test_a_fork_inside_a_request_leaves_one_open_in_the_parent_and_none_in_the_child() -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            METRICS.reset()  # as the pipeline of a started process does
            body = call(inner)
            del body
            os.write(writing, repr(active()).encode())
            os._exit(0)
        os.waitpid(child, 0)
        seen.extend((os.read(reading, 1_000), active()))
        return []

    def inner(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return []

    seen: list[Any] = []
    call(app)
    assert seen == [b"{}", {("GET", "http"): 1}]
    assert active() == {("GET", "http"): 0}


def test_a_request_that_began_before_a_fork_does_not_go_below_zero_in_the_child() -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        yield b"one"

    inherited = call(app)
    METRICS.reset()
    own = call(app)
    assert active() == {("GET", "http"): 1}
    inherited.close()
    assert active() == {("GET", "http"): 1}
    own.close()
    assert active() == {("GET", "http"): 0}


def test_a_time_limit_that_strikes_in_the_adapter_leaves_no_request_open() -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return [b"whole"]

    with handled():
        for _ in range(200):
            with pytest.raises(StruckError):
                until_struck(lambda: call(app))
    gc.collect()
    assert active() == {("GET", "http"): 0}
