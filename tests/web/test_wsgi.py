"""The WSGI adapter by itself: what passes through it is what the server and the application said to each other."""

from __future__ import annotations

import contextlib
import gc
import sys
import traceback
import weakref
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

from platform_instrument.telemetry.context import CURRENT
from platform_instrument.web.wsgi import observe_wsgi
from tests.strikes import StruckError, handled, until_struck
from tests.tracebacks import FRAMES_STAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platform_instrument.telemetry.span import Span


def environ(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = dict(changes)
    setup_testing_defaults(made)
    return made


def ok(start_response: Any) -> None:
    start_response("200 OK", [("Content-Type", "text/plain")])


def call(app: Callable[..., Any], **changes: Any) -> tuple[Any, list[Any]]:
    """Call an application under observation; return its body and what it said to `start_response`."""
    said: list[Any] = []

    def start_response(*arguments: Any) -> Callable[[bytes], None]:
        said.append(arguments)
        return lambda _data: None

    return observe_wsgi(app)(environ(**changes), start_response), said


def test_a_list_is_handed_on_as_it_is(ended: list[Span]) -> None:
    body = [b"whole"]

    def app(_environ: Any, start_response: Any) -> Any:
        ok(start_response)
        return body

    handed_on, said = call(app)
    assert handed_on is body
    assert said == [("200 OK", [("Content-Type", "text/plain")])]
    assert len(ended) == 1


def test_a_generator_runs_inside_its_span_and_ends_it_when_it_is_closed(ended: list[Span]) -> None:
    spans: list[Any] = []
    closed: list[bool] = []

    def app(_environ: Any, start_response: Any) -> Any:
        ok(start_response)
        spans.append(CURRENT.get())
        try:
            yield b"one"
            spans.append(CURRENT.get())
            yield b"two"
        finally:
            closed.append(True)

    body, _ = call(app)
    assert CURRENT.get() is None
    assert next(iter(body)) == b"one"
    assert CURRENT.get() is None
    assert next(iter(body)) == b"two"
    assert not ended
    body.close()
    body.close()
    assert closed == [True]
    assert len(ended) == 1
    assert spans[0] is spans[1] is ended[0]


def test_a_body_that_fails_half_way_is_an_error_recorded_once(ended: list[Span]) -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        ok(start_response)
        yield b"one"
        raise LookupError

    body, _ = call(app)
    next(body)
    with pytest.raises(LookupError) as caught:
        next(body)
    body.close()
    assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][-1] == "app"
    assert FRAMES_STAY or "__next__" not in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][1:]
    assert len(ended) == 1
    assert ended[0].extras is not None
    assert [event.name for event in ended[0].extras.events] == ["exception"]


@pytest.mark.parametrize(("recorded", "events"), [("it", ["leaves"]), ("another", ["handled", "leaves"])])
def test_an_exception_that_was_recorded_on_its_way_is_recorded_once(recorded: str, events: list[str], ended: list[Span]) -> None:
    def app(_environ: Any, _start_response: Any) -> Any:
        error = LookupError("leaves")
        CURRENT.get().record_exception(error if recorded == "it" else LookupError("handled"))  # type: ignore[union-attr]
        raise error

    with pytest.raises(LookupError):
        call(app)
    (span,) = ended
    assert span.extras is not None
    assert [event.attributes["exception.message"] for event in span.extras.events] == events


def test_an_exception_that_has_left_is_held_by_nobody() -> None:
    left: list[weakref.ref[BaseException]] = []

    def app(_environ: Any, _start_response: Any) -> Any:
        raise Refusal(left)

    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(Refusal):
            call(app)
        assert [refusal() for refusal in left] == [None]
    finally:
        gc.enable()


class Refusal(Exception):  # noqa: N818 - of the toy application
    def __init__(self, made: list[weakref.ref[BaseException]]) -> None:
        super().__init__()
        made.append(weakref.ref(self))


def test_a_file_wrapper_keeps_its_type(ended: list[Span], tmp_path: Any) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"file")

    def app(environ: Any, start_response: Any) -> Any:
        ok(start_response)
        return environ["wsgi.file_wrapper"](path.open("rb"))

    body, _ = call(app, **{"wsgi.file_wrapper": FileWrapper})
    assert type(body) is FileWrapper
    assert b"".join(body) == b"file"
    assert not ended
    body.close()
    assert body.filelike.closed
    assert len(ended) == 1


def test_a_body_with_a_length_keeps_it(ended: list[Span]) -> None:
    class Sized:
        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Iterator[bytes]:
            yield b"one"

    def app(_environ: Any, start_response: Any) -> Any:
        ok(start_response)
        return Sized()

    body, _ = call(app)
    assert len(body) == 1
    assert b"".join(body) == b"one"
    body.close()
    assert len(ended) == 1


def test_an_answer_begun_anew_counts_with_its_last_status(ended: list[Span]) -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        ok(start_response)
        try:
            raise LookupError  # noqa: TRY301 - what an application does
        except LookupError:
            start_response("500 Oops", [], sys.exc_info())
        return [b""]

    _, said = call(app)
    assert [arguments[0] for arguments in said] == ["200 OK", "500 Oops"]
    assert len(said[1]) == 3
    assert ended[0].own_attributes is not None
    assert ended[0].own_attributes["http.response.status_code"] == 500


def test_the_adapter_keeps_to_the_rules_of_wsgi(ended: list[Span]) -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([b"one", b"two"])

    body = validator(observe_wsgi(validator(app)))(environ(QUERY_STRING=""), lambda *_: None)
    assert list(body) == [b"one", b"two"]
    body.close()
    assert len(ended) == 1


def test_the_write_of_start_response_is_the_servers(ended: list[Span]) -> None:
    written: list[bytes] = []

    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])(b"written")
        return []

    observe_wsgi(app)(environ(), lambda *_: written.append)
    assert written == [b"written"]
    assert len(ended) == 1


@pytest.mark.faults
@pytest.mark.parametrize("broken", [{"REQUEST_METHOD": None, "SERVER_PROTOCOL": None}, {"PATH_INFO": 5}, {"HTTP_HOST": 7}])
def test_a_request_that_we_cannot_read_is_served_all_the_same(broken: dict[str, Any], ended: list[Span]) -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        ok(start_response)
        return [b"whole"]

    assert call(app, **broken)[0] == [b"whole"]
    assert not ended


def test_a_time_limit_of_the_application_that_strikes_in_the_adapter_leaves_nothing_current(ended: list[Span]) -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        ok(start_response)
        return [b"whole"]

    leaks = 0
    with handled():
        for _ in range(400):
            with pytest.raises(StruckError):
                until_struck(lambda: call(app))
            leaks += CURRENT.get() is not None
            CURRENT.set(None)
            ended.clear()
    assert leaks == 0
