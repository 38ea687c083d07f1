"""The adapters count what passes through them and nothing else; without a body nobody is in the way."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest

from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing import received
from platform_instrument.testing.recorder import recording
from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.wsgi import observe_wsgi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START = {"type": "http.response.start", "status": 200, "headers": []}
LAST = {"type": "http.response.body", "body": b""}
FILE = Path(__file__)


@pytest.fixture(autouse=True)
def _recorded() -> Iterator[None]:
    with recording():
        yield


def sizes(side: str) -> list[float]:
    """Return what was measured of the bodies of requests or answers."""
    points = received.points(MetricEncoder({}).encode(METRICS))
    return [point.sum for point in points if point.name == f"http.server.{side}.body.size" and point.count]


# --- ASGI ------------------------------------------------------------------------------------------------------------


def serve(app: Callable[..., Any], *messages: dict[str, Any], **changes: Any) -> Any:
    """Serve one request whose client sends these messages; return the `receive` that the server gave."""
    waiting = list(messages)

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(_message: Any) -> None: ...

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "http_version": "1.1", **changes}
    asyncio.run(observe_asgi(app)(scope, receive, send))  # type: ignore[arg-type] # it is a coroutine
    return receive


def answering(*messages: dict[str, Any], status: int = 200) -> Callable[..., Any]:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({**START, "status": status})
        for message in messages:
            await send(message)

    return app


@pytest.mark.parametrize(
    ("messages", "size"),
    [
        ([{"type": "http.response.body", "body": b"whole"}], 5),
        ([{"type": "http.response.body"}], 0),
        ([{"type": "http.response.body", "body": b"one", "more_body": True}, {"type": "http.response.body", "body": b"two"}], 6),
        ([{"type": "http.response.body", "body": memoryview(bytearray(8)).cast("I")}], 8),
        ([{"type": "http.response.body", "body": bytearray(3)}], 3),
        ([{"type": "http.response.pathsend", "path": str(FILE)}], FILE.stat().st_size),
        ([{"type": "http.response.pathsend", "path": "/nowhere"}], 0),
        ([{"type": "http.response.body", "body": b"one", "more_body": True}], 3),
    ],
)
def test_an_answer_is_as_long_as_what_was_sent(messages: list[dict[str, Any]], size: int) -> None:
    serve(answering(*messages))
    assert sizes("response") == [size]


@pytest.mark.parametrize(
    ("options", "size"),
    [({}, -10), ({"offset": 100}, -100), ({"count": 20}, 20), ({"offset": 5, "count": 10**9}, -5)],
)
def test_a_copy_of_a_file_is_as_long_as_what_is_left_of_it(options: dict[str, int], size: int) -> None:
    with FILE.open("rb", buffering=0) as file:
        file.seek(10)
        serve(answering({"type": "http.response.zerocopysend", "file": file.fileno(), **options}))
    assert sizes("response") == [size if size > 0 else FILE.stat().st_size + size]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_an_answer_that_has_no_body_is_empty_whatever_the_application_hands_over(method: str, status: int) -> None:
    serve(answering({"type": "http.response.body", "body": b"whole"}, status=status), method=method)
    assert sizes("response") == [0]


def test_what_a_server_answers_in_place_of_an_application_is_not_measured() -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        serve(app)
    assert sizes("response") == []


def test_a_request_without_a_body_is_received_by_the_server_s_own_function_and_not_measured() -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        seen.append(receive)
        await answering(LAST)(None, None, send)

    seen: list[Any] = []
    assert serve(app) is seen[0]
    assert sizes("request") == []


def test_a_request_that_says_that_its_body_is_empty_is_measured() -> None:
    serve(answering(LAST), method="POST", headers=[(b"content-length", b"0")])
    assert sizes("request") == [0]


async def reading(_scope: Any, receive: Any, send: Any) -> None:
    while (message := await receive()).get("more_body"):
        pass
    assert message["type"] in {"http.request", "http.disconnect"}
    await answering(LAST)(None, None, send)


PART = {"type": "http.request", "body": b"part", "more_body": True}
END = {"type": "http.request", "body": b"end"}
GONE = {"type": "http.disconnect"}


@pytest.mark.parametrize(
    ("headers", "messages", "size"),
    [
        ([(b"content-length", b"11")], [PART, PART, END], [11]),
        ([(b"transfer-encoding", b"chunked")], [PART, END], [7]),
        ([(b"content-length", b"100")], [PART, GONE], [4]),
        ([(b"content-length", b"100")], [GONE], [0]),
        ([(b"content-length", b"nonsense")], [PART, END], [7]),
        ([(b"content-length", b"9" * 40)], [GONE], []),
        ([], [{"type": "http.request"}], []),
    ],
)
def test_a_request_is_as_long_as_what_was_received(headers: list[Any], messages: list[Any], size: list[int]) -> None:
    serve(reading, *messages, headers=headers)
    assert sizes("request") == size


def test_a_body_that_no_header_announces_is_counted_where_the_protocol_allows_it() -> None:
    serve(reading, PART, END, http_version="2")
    serve(reading, {"type": "http.request"}, http_version="2")
    assert sizes("request") == [7]


def test_a_request_that_is_not_read_is_as_long_as_it_says() -> None:
    serve(answering(LAST), headers=[(b"content-length", b"12")])
    assert sizes("request") == [12]


def test_a_request_that_is_not_read_and_says_nothing_is_not_measured() -> None:
    serve(answering(LAST), headers=[(b"transfer-encoding", b"chunked")])
    assert sizes("request") == []


# --- WSGI ------------------------------------------------------------------------------------------------------------


def call(app: Callable[..., Any], **changes: Any) -> Any:
    environ: dict[str, Any] = dict(changes)
    setup_testing_defaults(environ)
    body = observe_wsgi(app)(environ, lambda *_: lambda _data: None)
    for _ in body:
        pass
    if hasattr(body, "close"):
        body.close()
    return environ


def returning(body: Any) -> Callable[..., Any]:
    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return body

    return app


@pytest.mark.parametrize(
    ("body", "size"),
    [
        ([b"whole"], 5),
        ((b"one", b"two"), 6),
        ([], 0),
        (iter([b"one", b"two", b""]), 6),
        (io.BytesIO(b"a line\nanother"), 14),
        (["no bytes"], 0),
    ],
)
def test_a_wsgi_body_is_as_long_as_its_parts(body: Any, size: int) -> None:
    call(returning(body))
    assert sizes("response") == [size]


def test_what_is_written_counts_with_what_is_returned() -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [])
        write(b"written")
        return [b"returned"]

    call(app)
    assert sizes("response") == [15]


def test_a_body_that_is_left_half_way_is_as_long_as_what_was_taken() -> None:
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    body = observe_wsgi(returning(iter([b"one", b"two"])))(environ, lambda *_: lambda _data: None)
    next(iter(body))
    body.close()  # type: ignore[attr-defined]
    assert sizes("response") == [3]


class Untouched(FileWrapper):
    """A wrapper whose server sends the file by `sendfile`, and closes it."""

    def __iter__(self) -> Any:
        return iter(())


@pytest.mark.parametrize(
    ("wrapper", "file", "size"),
    [
        (FileWrapper, FILE.open("rb"), FILE.stat().st_size - 7),
        (Untouched, FILE.open("rb"), FILE.stat().st_size - 7),
        (FileWrapper, io.BytesIO(b"x" * 100), 93),
        (Untouched, io.BytesIO(b"x" * 100), 0),
    ],
)
def test_a_file_is_as_long_as_what_was_left_of_it(wrapper: Any, file: Any, size: int) -> None:
    file.seek(7)
    call(returning(wrapper(file)), **{"wsgi.file_wrapper": wrapper})
    assert sizes("response") == [size]
    assert file.closed


READS: dict[str, Callable[[Any], Any]] = {
    "read": lambda source: source.read(),
    "read(-1)": lambda source: source.read(-1),
    "read(n)": lambda source: [source.read(4), source.read(4), source.read(100)],
    "readline": lambda source: [source.readline(), source.readline(100)],
    "readlines": lambda source: source.readlines(),
    "iteration": list,
    "next": lambda source: [next(source), next(source)],
    "readinto": lambda source: source.readinto(bytearray(100)),
    "read1": lambda source: source.read1(100),
    "a buffered reader": lambda source: io.BufferedReader(Raw(source)).read(),
}


class Raw(io.RawIOBase):
    """What a framework puts around its input."""

    def __init__(self, source: Any) -> None:
        self.source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self.source.readinto(buffer)
        return count


@pytest.mark.parametrize("name", READS)
def test_the_input_counts_however_it_is_read_and_gives_what_the_server_s_gives(name: str) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        seen.append(READS[name](environ["wsgi.input"]))
        return returning([])(environ, start_response)

    seen: list[Any] = []
    call(app, CONTENT_LENGTH="40", **{"wsgi.input": io.BytesIO(b"one line\nother\n")})
    assert seen == [READS[name](io.BytesIO(b"one line\nother\n"))]
    assert sizes("request") == [15]


def test_the_input_has_the_attributes_of_the_server_s_and_raises_what_it_raises() -> None:
    class Broken(io.BytesIO):
        name = "socket"

        def read(self, _size: int | None = -1) -> bytes:
            raise ConnectionResetError

    def app(environ: Any, start_response: Any) -> Any:
        source = environ["wsgi.input"]
        assert (source.name, source.seekable(), source.closed) == ("socket", True, False)
        assert not hasattr(source, "no_such_attribute")
        with pytest.raises(ConnectionResetError):
            source.read(5)
        return returning([])(environ, start_response)

    call(app, CONTENT_LENGTH="15", **{"wsgi.input": Broken()})
    assert sizes("request") == [0]


def test_the_input_of_a_request_without_a_body_is_the_server_s_own() -> None:
    given = io.BytesIO()
    environ = call(returning([]), **{"wsgi.input": given})
    assert environ["wsgi.input"] is given
    environ = call(returning([]), CONTENT_LENGTH="0", **{"wsgi.input": given})
    assert environ["wsgi.input"] is given
    assert sizes("request") == [0]


def test_an_input_that_is_never_read_is_as_long_as_it_says() -> None:
    call(returning([]), CONTENT_LENGTH="12")
    assert sizes("request") == [12]
