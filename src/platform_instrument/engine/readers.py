"""The body of an `http.client` answer as it comes off the connection: counted without the framing of its chunks.

Its buffered reader is where every way to read an answer ends: `http.client` itself, urllib3's own reading of chunks, requests.
Source: CPython Lib/http/client.py `HTTPResponse` (3.10 to 3.14); urllib3/response.py `read_chunked` (1.26 to 2.8).
"""

from __future__ import annotations

import sys
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.engine.transfers import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.engine.transfers import Transfer

_PLACE = "http client bytes"
_with_traceback = BaseException.with_traceback


def count_answer(original: Any, transfer: Transfer, read: Any) -> None:  # noqa: ANN401 - http.client.HTTPResponse or what stands for it
    """Have an answer measured when its body ends; `read` is how much of it has been read, which may be all."""
    source = getattr(original, "fp", None)
    transfer.received = read if isinstance(read, int) else 0
    if type(source) is BufferedReader:
        original.fp = CountedReader(source, transfer, chunked=bool(getattr(original, "chunked", False)))
    else:
        if source is not None or not hasattr(original, "isclosed"):
            transfer.received = UNKNOWN  # somebody else's, which may read from anywhere
        transfer.finish()


def sends_latin() -> bool:
    """Say whether text is sent as Latin-1, which urllib3 1.26 leaves to `http.client`; later versions send UTF-8."""
    return str(getattr(sys.modules.get("urllib3"), "__version__", "")).startswith("1.")


def _reading(name: str) -> Callable[..., Any]:
    """Return a method that does what the reader's does, and counts what it returns."""

    def reading(self: CountedReader, *arguments: Any) -> Any:  # noqa: ANN401 - bytes, or how many
        try:
            found = getattr(self._source, name)(*arguments)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        guard(_PLACE, self._line if name == "readline" else self._data, found)
        return found

    reading.__name__ = name
    return unseen(reading)


class CountedReader:
    """The buffered reader of a connection, for as long as one answer is read from it."""

    __slots__ = ("_chunked", "_left", "_source", "_transfer")

    def __init__(self, source: BufferedReader, transfer: Transfer, *, chunked: bool) -> None:
        self._source = source
        self._transfer = transfer
        self._chunked = chunked
        self._left = 0
        """How much of the current chunk is not read yet; -1 after the last one."""

    read = _reading("read")
    read1 = _reading("read1")
    readinto = _reading("readinto")
    readline = _reading("readline")

    def close(self) -> None:
        """Close as the reader does: the body ended, or whoever read it has enough."""
        try:
            self._source.close()
        finally:
            guard(_PLACE, self._transfer.finish)

    def _data(self, found: Any) -> None:  # noqa: ANN401 - bytes, or how many
        """Count what was read; of chunks no more than they hold, since a line's end follows each."""
        size = found if isinstance(found, int) else len(found or b"")
        if self._chunked:
            size = min(size, max(self._left, 0))
            self._left -= size
        self._transfer.received = (self._transfer.received or 0) + size

    def _line(self, line: bytes) -> None:
        """Take the size of a chunk from the line before it; in a body without chunks a line is data."""
        if not self._chunked:
            self._data(line)
        elif self._left == 0:
            digits = line.partition(b";")[0].strip()
            try:
                self._left = int(digits, 16) or -1
            except ValueError:
                return

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the reader's
        return getattr(self._source, name)
