"""The streams of httpx: what passes into a request is counted, and of an answer httpx itself is asked when it is closed.

Sources: httpx/_types.py `SyncByteStream`, `AsyncByteStream`; `Response.iter_raw` in httpx/_models.py (0.22 to 0.28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.engine.transfers import UNKNOWN, Transfer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.span import Span

_PLACE = "http client bytes"
_MOST_KINDS = 16
_with_traceback = BaseException.with_traceback
_kinds: dict[tuple[type, ...], type[CountedStream]] = {}


class CountedStream:
    """Stands for the stream of a request."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - the library's
        self.stream = stream
        self.size = 0

    def __iter__(self) -> Parts:
        return Parts(self)

    def __aiter__(self) -> AsyncParts:
        return AsyncParts(self)

    def close(self) -> None:
        """Close the stream."""
        self.stream.close()

    async def aclose(self) -> None:
        """Close the stream."""
        await self.stream.aclose()

    def take(self, part: Any) -> None:  # noqa: ANN401 - bytes
        """Count a part."""
        self.size += len(part)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the library's
        return getattr(self.stream, name)


class Parts:
    """The parts of a sync stream."""

    __slots__ = ("_counted", "_parts")

    def __init__(self, counted: CountedStream) -> None:
        self._counted = counted
        self._parts = iter(counted.stream)

    def __iter__(self) -> Parts:
        return self

    @unseen
    def __next__(self) -> Any:  # noqa: ANN401 - bytes
        try:
            part = next(self._parts)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        guard(_PLACE, self._counted.take, part)
        return part


class AsyncParts:
    """The parts of an async stream."""

    __slots__ = ("_counted", "_parts")

    def __init__(self, counted: CountedStream) -> None:
        self._counted = counted
        self._parts = counted.stream.__aiter__()

    def __aiter__(self) -> AsyncParts:
        return self

    @unseen
    async def __anext__(self) -> Any:  # noqa: ANN401 - bytes
        try:
            part = await self._parts.__anext__()
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        guard(_PLACE, self._counted.take, part)
        return part


def counted_stream(stream: Any, kinds: tuple[type, ...]) -> CountedStream:  # noqa: ANN401 - the library's
    """Return what stands for a stream, of those `kinds` of the library that the stream is of itself."""
    own = tuple([kind for kind in kinds if isinstance(stream, kind)])
    made = _kinds.get(own)
    if made is None:
        made = type("CountedStream", (CountedStream, *own), {})
        if len(_kinds) < _MOST_KINDS:
            _kinds[own] = made
    return made(stream)


class Download(Transfer):
    """The bodies of an attempt, of which httpx itself counts the answer's; one that is read past httpx is not measured."""

    __slots__ = ("_response",)

    def __init__(self, span: Span, answered: Mapping[str, Any], sent: int | None, response: Any) -> None:  # noqa: ANN401 - httpx.Response
        super().__init__(span, answered, sent)
        self._response = response

    def finish(self) -> None:
        """Measure what was read, once."""
        response, self._response = self._response, None
        if response is not None:
            self.received = response.num_bytes_downloaded if response.is_stream_consumed else UNKNOWN
        super().finish()
