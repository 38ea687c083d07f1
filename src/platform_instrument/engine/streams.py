"""A stream of parts, sync or async, on its way: what passes is counted, and its end is told.

Sources: httpx/_types.py `SyncByteStream`, `AsyncByteStream` (0.22 to 0.28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen

if TYPE_CHECKING:
    from platform_instrument.engine.transfers import Transfer

_PLACE = "http client bytes"
_MOST_KINDS = 16
_with_traceback = BaseException.with_traceback
_kinds: dict[tuple[type, ...], type[CountedStream]] = {}


class CountedStream:
    """Stands for a stream; its transfer is told when it was read to its end, is closed or dropped."""

    def __init__(self, stream: Any, transfer: Transfer | None = None) -> None:  # noqa: ANN401 - the library's
        self.stream = stream
        self.size = 0
        self._transfer = transfer

    def __iter__(self) -> Parts:
        return Parts(self)

    def __aiter__(self) -> AsyncParts:
        return AsyncParts(self)

    def close(self) -> None:
        """Close the stream."""
        try:
            self.stream.close()
        finally:
            guard(_PLACE, self.end)

    async def aclose(self) -> None:
        """Close the stream."""
        try:
            await self.stream.aclose()
        finally:
            guard(_PLACE, self.end)

    def take(self, part: Any) -> None:  # noqa: ANN401 - bytes
        """Count a part."""
        self.size += len(part)
        if self._transfer is not None:
            self._transfer.received = self.size

    def end(self) -> None:
        """Measure what has passed."""
        if self._transfer is not None:
            self._transfer.finish()

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
            guard(_PLACE, self._counted.end)  # at its end, or where it broke
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
            guard(_PLACE, self._counted.end)  # at its end, or where it broke
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        guard(_PLACE, self._counted.take, part)
        return part


def counted_stream(stream: Any, kinds: tuple[type, ...], transfer: Transfer | None = None) -> CountedStream:  # noqa: ANN401
    """Return what stands for a stream, of those `kinds` of the library that the stream is of itself."""
    own = tuple([kind for kind in kinds if isinstance(stream, kind)])
    made = _kinds.get(own)
    if made is None:
        made = type("CountedStream", (CountedStream, *own), {})
        if len(_kinds) < _MOST_KINDS:
            _kinds[own] = made
    return made(stream, transfer)
