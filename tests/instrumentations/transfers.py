"""The shapes of transfers that every HTTP client is tested with: what it sends, what it is answered, how far it reads."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing import received
from tests.instrumentations.byte_server import counting
from tests.instrumentations.recording import recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.received import Point
    from platform_instrument.testing.recorder import Recorder
    from tests.instrumentations.byte_server import Counted

REQUEST, RESPONSE = "http.client.request.body.size", "http.client.response.body.size"
DURATION = "http.client.request.duration"
WHOLE, PARTS, LEAVES, DROPS = "whole", "parts", "leaves", "drops"
"""How an answer is read: at once, piece by piece, closed after the first piece, or dropped without a word."""


class Pieces:
    """A file that cannot be sought in, and has no length."""

    def __init__(self) -> None:
        self._file = io.BytesIO(b"p" * 50_000)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


def generated() -> Iterator[bytes]:
    for _ in range(5):
        yield b"g" * 20_000


@dataclass(frozen=True)
class Transfer:
    """One request to a path of `byte_server`; `body` names a row of `BODIES`."""

    path: str
    method: str = "GET"
    body: str = ""
    reads: str = WHOLE
    fails: bool = False


BODIES: dict[str, Any] = {
    "": lambda: None,
    "bytes": lambda: b"b" * 3_000,
    "text": lambda: "täxt" * 100,
    "file": lambda: io.BytesIO(b"f" * 200_000),
    "pieces": Pieces,
    "generator": generated,
    "large": lambda: b"u" * 5 * 1024 * 1024,
}

TRANSFERS = {
    "fixed": Transfer("ok"),
    "empty": Transfer("empty"),
    "in chunks": Transfer("chunks"),
    "in chunks, read in parts": Transfer("chunks", reads=PARTS),
    "read in parts": Transfer("ok", reads=PARTS),
    "compressed": Transfer("compressed"),
    "compressed, read in parts": Transfer("compressed", reads=PARTS),
    "compressed, in chunks": Transfer("compressed-chunks"),
    "compressed, in chunks, read in parts": Transfer("compressed-chunks", reads=PARTS),
    "head": Transfer("ok", "HEAD"),
    "204": Transfer("nothing"),
    "304": Transfer("unchanged"),
    "404": Transfer("missing"),
    "large": Transfer("large"),
    "until the connection is closed": Transfer("until-closed"),
    "cut by the server": Transfer("cut", reads=PARTS, fails=True),
    "left by the client": Transfer("endless", reads=LEAVES),
    "dropped by the client": Transfer("endless", reads=DROPS),
    "upload of bytes": Transfer("ok", "POST", "bytes"),
    "upload of text": Transfer("ok", "PUT", "text"),
    "upload of a file": Transfer("ok", "POST", "file"),
    "upload in pieces": Transfer("ok", "POST", "pieces"),
    "upload of a generator": Transfer("ok", "POST", "generator"),
    "large upload": Transfer("empty", "POST", "large"),
    "upload of nothing": Transfer("empty", "POST"),
}


class TransferPromises:
    """Every promise, for a library whose `exchange` makes a request and reads its answer as it is told."""

    modules: tuple[str, ...]
    sends = frozenset(BODIES)
    """The bodies that the library takes."""

    def exchange(self, url: str, transfer: Transfer, body: Any) -> None:
        raise NotImplementedError

    @pytest.fixture
    def recorder(self) -> Iterator[Recorder]:
        with recording(*self.modules) as recorder:
            yield recorder

    @pytest.fixture
    def server(self) -> Iterator[Counted]:
        with counting() as server:
            yield server

    @pytest.mark.parametrize("name", TRANSFERS)
    def test_sizes_are_those_that_the_server_counts(self, recorder: Recorder, server: Counted, name: str) -> None:
        transfer = TRANSFERS[name]
        if transfer.body not in self.sends:
            pytest.skip(f"the library sends no {transfer.body}")
        url = f"{server.url}/{transfer.path}"
        if transfer.fails:
            with contextlib.suppress(Exception):  # urllib3 1.26 does not mind
                self.exchange(url, transfer, BODIES[transfer.body]())
        else:
            self.exchange(url, transfer, BODIES[transfer.body]())
        (answer,) = points(RESPONSE)
        if transfer.path == "endless":
            assert server.left.wait(5)
            assert 0 < answer.sum <= server.sent + 10**7
        else:
            assert answer.sum == server.sent
        expected = [server.received] if transfer.method in {"POST", "PUT"} else []
        assert [point.sum for point in points(REQUEST)] == expected
        (duration,) = points(DURATION)
        for point in [answer, *points(REQUEST)]:
            assert (point.count, point.unit, point.attributes) == (1, "By", duration.attributes)
            assert [exemplar.span_id for exemplar in point.exemplars] == [recorder.spans[0].span_id]


def points(name: str) -> list[Point]:
    """Return the series of an instrument in which something was counted."""
    encoded = MetricEncoder({}).encode(METRICS)
    return [point for point in received.points(encoded) if point.name == name and point.count]
