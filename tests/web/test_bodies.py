"""What is reported of the size of bodies, against a client that counts the bytes on its socket, on every server."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import BIN
from tests.web.serving import observed
from tests.web.shapes import ENDLESS, LARGE, SHAPES, Shape, download

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.testing.received import Point

REQUEST, RESPONSE = "http.server.request.body.size", "http.server.response.body.size"
DURATION, ACTIVE = "http.server.request.duration", "http.server.active_requests"
WORKERS = {
    "gunicorn sync": ["-k", "sync", "wsgi_bodies:app"],
    "gunicorn gthread": ["-k", "gthread", "--threads", "4", "wsgi_bodies:app"],
    "gunicorn uvicorn": ["-k", "uvicorn_worker.UvicornWorker", "asgi_bodies:app"],
    "gunicorn asgi": ["-k", "asgi", "asgi_bodies:app"],
}
SERVERS = {
    "uvicorn": ["uvicorn", "asgi_bodies:app", "--port", "PORT"],
    "hypercorn": ["hypercorn", "asgi_bodies:app", "-b", "127.0.0.1:PORT"],
    **{name: ["gunicorn", "-w", "1", "-b", "127.0.0.1:PORT", *words] for name, words in WORKERS.items()},
    "granian": ["granian", "--interface", "asgi", "asgi_bodies:app", "--port", "PORT"],
    "granian wsgi": ["granian", "--interface", "wsgi", "wsgi_bodies:app", "--port", "PORT"],
    "daphne": ["daphne", "asgi_bodies:app", "-p", "PORT"],
    "waitress": ["waitress-serve", "--listen", "127.0.0.1:PORT", "wsgi_bodies:app"],
    "aiohttp": ["python", "bodies_aiohttp.py", "PORT"],
    "tornado": ["python", "bodies_tornado.py", "PORT"],
    "werkzeug": ["flask", "--app", "wsgi_bodies:app", "run", "--port", "PORT"],
}
UNSERVED = {
    "daphne": {"stream that fails", "upload that the client leaves"},
    "tornado": {"upload that the client leaves"},
    "waitress": {"upload that the client leaves"},
}
"""Shapes that a server makes nothing of: daphne keeps the connection open for good, or the application is never called."""


def words(name: str, port: int) -> list[str]:
    """Return the command line of a server."""
    program, *rest = [word.replace("PORT", str(port)) for word in SERVERS[name]]
    return [str(BIN / program), *rest]


@dataclass(frozen=True)
class Reported:
    """What a client counted, as status and bytes, and what the server reported of the same requests."""

    client: Mapping[str, tuple[int, int]]
    points: tuple[Point, ...]

    def of(self, instrument: str, path: str) -> list[Point]:
        """Return the series of a route."""
        return [point for point in self.points if point.name == instrument and point.attributes.get("http.route") == path]

    def shape(self, name: str) -> Shape:
        """Return a shape that the server serves; skip the test of any other."""
        if name not in self.client:
            pytest.skip("the server makes nothing of it")
        return SHAPES[name]


@pytest.fixture(scope="module", params=SERVERS)
def reported(request: pytest.FixtureRequest) -> Iterator[Reported]:
    """Make a request of every shape, end the server, and return what was counted on both sides."""
    with observed(lambda port: words(request.param, port), {"OTEL_METRIC_EXPORT_INTERVAL": "60000"}) as running:
        chosen = {name: shape for name, shape in SHAPES.items() if name not in UNSERVED.get(request.param, ())}
        client = {name: download(running.server.port, shape) for name, shape in chosen.items()}
        running.collector.wait_for(lambda spans: len([span for span in spans if span.kind == "SERVER"]) >= len(chosen))
        time.sleep(0.3)
        running.server.terminate(signal.SIGINT if request.param == "werkzeug" else signal.SIGTERM)
        names = (REQUEST, RESPONSE, DURATION, ACTIVE)
        yield Reported(client, tuple(point for name in names for point in running.collector.latest(name)))


@pytest.mark.parametrize("name", SHAPES)
def test_an_answer_has_the_size_that_its_client_counts(reported: Reported, name: str) -> None:
    shape = reported.shape(name)
    status, received = reported.client[name]
    points = reported.of(RESPONSE, shape.path)
    if shape.leaves_after == 0:
        return  # the client reads no answer
    assert status == shape.status
    (point,) = points
    assert point.count == 1
    if shape.leaves_after is None:
        assert point.sum == received
    else:
        assert received <= point.sum <= ENDLESS
    if name == "large":
        assert received == LARGE
    if name == "compressed by a middleware":
        assert 0 < received < 1_000


@pytest.mark.parametrize("name", SHAPES)
def test_a_request_has_the_size_that_its_client_sent(reported: Reported, name: str) -> None:
    shape = reported.shape(name)
    points = reported.of(REQUEST, shape.path)
    if shape.uploads is None:
        assert points == []
    elif shape.upload_may_be_less:
        assert [point.sum for point in points if point.sum > shape.uploads] == []
    else:
        assert [(point.count, point.sum) for point in points] == [(1, shape.uploads)]


@pytest.mark.parametrize("name", SHAPES)
def test_sizes_have_the_attributes_and_the_exemplar_of_the_duration(reported: Reported, name: str) -> None:
    shape = reported.shape(name)
    (duration,) = reported.of(DURATION, shape.path)
    for point in [*reported.of(REQUEST, shape.path), *reported.of(RESPONSE, shape.path)]:
        assert point.attributes == duration.attributes
        assert point.unit == "By"
        assert _spans(point) == _spans(duration)


def test_no_request_is_open_once_all_have_ended(reported: Reported) -> None:
    points = [point for point in reported.points if point.name == ACTIVE]
    assert {(point.attributes["http.request.method"], point.value) for point in points} == {("GET", 0), ("HEAD", 0), ("POST", 0)}
    assert {(point.kind, point.unit, point.monotonic) for point in points} == {("sum", "{request}", False)}


def _spans(point: Point) -> set[Any]:
    return {exemplar.span_id for exemplar in point.exemplars}
