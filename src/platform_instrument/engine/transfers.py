"""The bodies of one attempt of an HTTP client: what was sent, and what is read; measured once, with the span's exemplar.

The span ended when the headers of the answer came; its body is measured when it was read to its end, closed or dropped. A
request is measured where it has a body, an answer always. Nothing is buffered, and nothing but sizes is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.errors import error_type
from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.semantics.http import CLIENT_REQUEST_SIZE, CLIENT_RESPONSE_SIZE
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.metrics.registry import beside, cell_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.telemetry.metrics.cells import HistogramCell
    from platform_instrument.telemetry.span import Span

UNKNOWN = -1

_PLACE = "http client bytes"
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))
"""Methods whose requests say `Content-Length: 0` where they have no body."""
_with_traceback = BaseException.with_traceback


class Transfer:
    """The sizes of an attempt that was answered with these attributes: None where there is no body, or `UNKNOWN`."""

    __slots__ = ("_cell", "_span", "received", "sent")

    def __init__(self, span: Span, answered: Mapping[str, Any], sent: int | None, received: int | None = 0) -> None:
        if sent is None and span.operation is not None and span.operation.attributes["http.request.method"] in _WITH_BODY:
            sent = 0
        self.sent = sent
        self.received = received
        self._span = span
        operation = span.operation
        duration = operation.duration if operation is not None else None
        self._cell: HistogramCell | None = cell_of(operation, duration, answered) if operation and duration else None

    def ended(self, received: int) -> None:
        """Take how much was read, and measure."""
        self.received = received
        self.finish()

    def finish(self) -> None:
        """Measure, once; a fork child does not measure what its parent began."""
        cell, self._cell = self._cell, None
        current = pipeline.PIPELINE
        if cell is None or current is None or self._span.ticks < current.born:
            return
        if self.sent is not None and self.sent >= 0:
            beside(cell, CLIENT_REQUEST_SIZE).count(self.sent, self._span)
        if self.received is not None and self.received >= 0:
            beside(cell, CLIENT_RESPONSE_SIZE).count(self.received, self._span)

    def __del__(self) -> None:
        """Measure what was read of a body that is dropped."""
        if self._cell is not None:
            guard(_PLACE, self.finish)


def failed(span: Span, error: BaseException, sent: int | None) -> None:
    """Measure what was sent by an attempt that was not answered."""
    if sent:
        Transfer(span, {"error.type": error_type(error)}, sent, None).finish()


def size_of(body: Any) -> int | None:  # noqa: ANN401 - what an application sends
    """Return the bytes of a body that is a text, bytes or a buffer, None of any other: it is to be counted as it is read."""
    if isinstance(body, bytes):
        return len(body)
    if isinstance(body, str):
        return len(body) if body.isascii() else len(body.encode("utf-8", "surrogatepass"))
    try:
        return memoryview(body).nbytes
    except TypeError:
        return None


class CountedBody:
    """A file or an iterable on its way into a request: what is read of it is counted in `size`."""

    __slots__ = ("body", "size")

    def __init__(self, body: Any) -> None:  # noqa: ANN401 - the application's
        self.body = body
        self.size = 0

    def __iter__(self) -> Iterator[Any]:
        return CountedBody.Parts(self)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the application's
        found = getattr(self.body, name)
        if name != "read":
            return found

        def read(*arguments: Any) -> Any:  # noqa: ANN401 - a part of the body
            try:
                part = found(*arguments)
            except BaseException as error:
                _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
                raise
            self.size += size_of(part) or 0
            return part

        return unseen(read)

    class Parts:
        """The parts of an iterable."""

        __slots__ = ("_counted", "_parts")

        def __init__(self, counted: CountedBody) -> None:
            self._counted = counted
            self._parts = iter(counted.body)

        def __iter__(self) -> Iterator[Any]:
            return self

        @unseen
        def __next__(self) -> Any:  # noqa: ANN401 - a part of the body
            try:
                part = next(self._parts)
            except BaseException as error:
                _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
                raise
            self._counted.size += size_of(part) or 0
            return part


def counted(body: Any) -> Any:  # noqa: ANN401 - the application's
    """Return what is to be sent in place of a body so that it is counted: itself where its size is known, or cannot be."""
    if body is None or isinstance(body, (str, bytes, bytearray, memoryview, CountedBody)):
        return body
    if hasattr(body, "encoding") or not (
        hasattr(body, "read") or hasattr(body, "__iter__")
    ):  # a file of text is encoded by its type
        return body
    return body if size_of(body) is not None else CountedBody(body)


def sent_of(body: Any, declared: Any, *, latin: bool) -> int | None:  # noqa: ANN401 - from `counted`, and a `Content-Length`
    """Return how much was sent of what `counted` returned; what it could not count is as long as its header says.

    `latin` says that text is sent as Latin-1, as urllib3 1.26 leaves it to `http.client`; later versions send UTF-8.
    """
    if body is None:
        return None
    if isinstance(body, CountedBody):
        return body.size
    size = len(body) if latin and isinstance(body, str) else size_of(body)
    if size is None and isinstance(declared, (str, bytes)) and declared.isdigit():
        size = int(declared)
    return UNKNOWN if size is None else size
