"""What is told as ASGI, by itself: the server's own function is called once, whatever becomes of what we do about it."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.telemetry.context import CURRENT
from platform_instrument.web.front import Front
from platform_instrument.web.native import Native, _Observed, observing
from tests.tracebacks import FRAMES_STAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platform_instrument.telemetry.span import Span

SCOPE = {"type": "http", "method": "GET", "path": "/here", "headers": [], "query_string": b"", "http_version": "1.1"}


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    _Observed.application = None
    yield
    _Observed.application = None


class Told(Native):
    """A request whose server says nothing more of it."""

    def __init__(self) -> None:
        super().__init__(dict(SCOPE))


class Server:
    """A server that counts how often it has served, and answers in place of itself."""

    def __init__(self, told: Callable[[], Native] = Told) -> None:
        self.calls: list[Any] = []
        self.native: Native | None = None
        self.told = told
        self.handle = observing(self.serve, self.tell, self.answer)

    def tell(self, *_: object) -> Native:
        self.native = self.told()
        return self.native

    async def serve(self, number: int, *, error: BaseException | None = None) -> int:
        """Serve one request."""
        self.calls.append(CURRENT.get())
        if self.native is not None:
            self.native.starts(200, [("X-Answer", "yes")])
            self.native.sent(4)
            self.native.ends()
        if error is not None:
            raise error
        return number

    async def answer(self, given: Any, _serve: object, _number: int) -> Any:
        """Give an answer in its place."""
        return given


def test_a_request_is_one_span_and_its_result_the_server_s(ended: list[Span]) -> None:
    server = Server()
    assert asyncio.run(server.handle(7)) == 7
    assert server.calls == ended
    assert (ended[0].name, dict(ended[0].attributes)["url.path"]) == ("GET", "/here")
    assert dict(ended[0].attributes)["http.response.status_code"] == 200


def test_the_method_looks_like_the_server_s_own() -> None:
    server = Server()
    assert inspect.signature(server.handle) == inspect.signature(server.serve)
    assert (inspect.iscoroutinefunction(server.handle), server.handle.__doc__) == (True, "Serve one request.")


def test_what_leaves_the_server_s_function_is_recorded_and_shows_no_frame_of_ours(ended: list[Span]) -> None:
    server, error = Server(), LookupError("left")
    server.native = None
    server.told = Told
    with pytest.raises(LookupError) as raised:
        asyncio.run(_calls(server, error))
    assert raised.value is error
    assert FRAMES_STAY or "platform_instrument/" not in "".join(traceback.format_tb(raised.tb))
    assert len(ended) == 1


async def _calls(server: Server, error: BaseException) -> None:
    await server.handle(7, error=error)


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_in_the_place_of_the_server_s_leaves_that_alone(
    status: int, ended: list[Span], monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_front(_application: Any) -> Any:
        async def answers(_scope: Any, receive: Any, send: Any) -> None:
            assert not (await receive()).get("more_body")
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"alive"})

        return answers

    monkeypatch.setattr(Front, "asgi", staticmethod(in_front))
    server = Server()
    assert asyncio.run(server.handle(7)) == (status, {"content-type": "text/plain"}, b"alive")
    assert (server.calls, ended) == ([], [])


class Broken(Told):
    """A request about which everything of ours fails."""

    def begun(self) -> None:
        raise ZeroDivisionError

    complete = begun


@pytest.mark.faults
def test_a_fault_of_ours_is_none_of_the_server_s_business(ended: list[Span]) -> None:
    server = Server(Broken)
    assert (asyncio.run(server.handle(7)), len(server.calls), len(ended)) == (7, 1, 1)

    def fails() -> Native:
        raise ZeroDivisionError

    server = Server(fails)
    assert (asyncio.run(server.handle(8)), len(server.calls)) == (8, 1)


@pytest.mark.faults
def test_what_stands_in_front_and_neither_answers_nor_serves_leaves_the_request_to_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing(_scope: Any, _receive: Any, _send: Any) -> None: ...

    monkeypatch.setattr(Front, "asgi", staticmethod(lambda _application: nothing))
    server = Server()
    assert (asyncio.run(server.handle(7)), len(server.calls)) == (7, 1)
