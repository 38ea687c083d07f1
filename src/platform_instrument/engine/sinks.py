"""aiohttp's own ends of a connection: what a request's body is written to, and what an answer's is read from.

Compressed bodies are counted compressed. Source: aiohttp/http_writer.py `StreamWriter`, aiohttp/streams.py `StreamReader`
(3.8 to 3.14).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.transfers import UNKNOWN, Transfer, size_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.span import Span

_PLACE = "http client bytes"


class CountedSink:
    """Stands for the writer of a request; `size` is what it was given of the body, after compression."""

    __slots__ = ("_writer", "size")

    def __init__(self, writer: Any) -> None:  # noqa: ANN401 - aiohttp's
        object.__setattr__(self, "_writer", writer)
        object.__setattr__(self, "size", 0)
        if getattr(writer, "_compress", None) is not None:
            writer._compress = _Compressor(writer._compress, self)  # noqa: SLF001 - there is no other way

    def write(self, chunk: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - a coroutine
        """Write a part of the body."""
        guard(_PLACE, self.take, chunk)
        return self._writer.write(chunk, *arguments, **options)

    def write_eof(self, chunk: Any = b"") -> Any:  # noqa: ANN401 - a coroutine
        """Write the last part of the body."""
        guard(_PLACE, self.take, chunk)
        return self._writer.write_eof(chunk)

    def take(self, chunk: Any) -> None:  # noqa: ANN401 - bytes
        """Count a part, unless the compressor will."""
        if getattr(self._writer, "_compress", None) is None:
            self.add(chunk)

    def add(self, chunk: Any) -> None:  # noqa: ANN401 - bytes
        """Count what leaves."""
        object.__setattr__(self, "size", self.size + (size_of(chunk) or 0))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - aiohttp's
        return getattr(self._writer, name)

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401 - aiohttp's
        setattr(self._writer, name, value)


class _Compressor:
    """Stands for the compressor of a writer: a coroutine in newer versions, and `zlib`'s own before."""

    __slots__ = ("_compressor", "_sink")

    def __init__(self, compressor: Any, sink: CountedSink) -> None:  # noqa: ANN401 - as above
        self._compressor = compressor
        self._sink = sink

    def compress(self, data: Any) -> Any:  # noqa: ANN401 - bytes, or a coroutine
        """Compress a part."""
        found = self._compressor.compress(data)
        return self._compressed(found) if hasattr(found, "__await__") else self._counted(found)

    def flush(self, *arguments: Any) -> Any:  # noqa: ANN401 - bytes
        """Return what is left."""
        return self._counted(self._compressor.flush(*arguments))

    async def _compressed(self, found: Any) -> Any:  # noqa: ANN401 - a coroutine
        return self._counted(await found)

    def _counted(self, found: Any) -> Any:  # noqa: ANN401 - bytes
        guard(_PLACE, self._sink.add, found)
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the compressor's
        return getattr(self._compressor, name)


class Received(Transfer):
    """An answer that is read by aiohttp: its stream knows how much has come, before it was decompressed."""

    __slots__ = ("_content", "_encoded", "_sink")

    def __init__(
        self,
        span: Span,
        answered: Mapping[str, Any],
        sink: CountedSink | None,
        content: Any,  # noqa: ANN401 - aiohttp's
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(span, answered, None)
        self._sink = sink
        self._content = content
        self._encoded = "Content-Encoding" in headers

    def finish(self) -> None:
        """Measure what has come, and what was sent meanwhile."""
        if self._sink is not None and self._sink.size:  # older versions write a body that is not there, too
            self.sent = self._sink.size
        size = getattr(self._content, "total_compressed_bytes", None)
        if size is None:
            size = self._content.total_bytes
            if size and self._encoded:  # decompressed, by a version that does not say how much came
                size = UNKNOWN
        self.received = size
        super().finish()

    def end(self) -> None:
        """Finish, as a callback of aiohttp, which would log a fault of ours."""
        guard(_PLACE, self.finish)
