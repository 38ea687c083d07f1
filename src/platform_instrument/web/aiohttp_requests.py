"""A request of aiohttp's server, as ASGI would tell it, and the bytes of its bodies as they go over the wire, without framing.

Source: aiohttp/web_request.py `BaseRequest`, aiohttp/streams.py `StreamReader.total_bytes`, aiohttp/http_writer.py
`StreamWriter` (3.9 to 3.14).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.engine.frames import dressed
from platform_instrument.web.native import NATIVE, Native
from platform_instrument.web.sizes import size_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from platform_instrument.web.asgi import Scope

_VERSIONS = {(1, 0): "1.0", (1, 1): "1.1"}


class Request(Native):
    """A request of aiohttp's."""

    __slots__ = ("request",)

    def __init__(self, request: Any) -> None:  # noqa: ANN401 - aiohttp.web.BaseRequest
        super().__init__(scope_of(request))
        self.request = request
        request._state[NATIVE] = self  # noqa: SLF001 - a subclass may look at what is put into the request itself

    def identify(self, name: str, value: str) -> None:
        """Put a header in the place of the client's."""
        headers = self.request._headers  # noqa: SLF001 - there is no other way in
        changed = headers.copy()
        changed[name] = value
        self.request._headers = type(headers)(changed)  # noqa: SLF001

    def note_route(self) -> None:
        """Note the path of the resource that matched, if any did."""
        match = getattr(self.request, "_match_info", None)
        resource = None if match is None else match.route.resource
        if resource is not None and self.exchange is not None:
            self.exchange.route = resource.canonical

    def complete(self) -> None:
        """Note the route and the bytes."""
        if self.exchange is None or self.exchange.closed:
            return
        self.note_route()
        read = given(self.request)
        if read:
            self.received(read)
        self.sent(sent(self.request, None if self.result is None else self.result[0]))
        if self.result is not None or self.failed is not None:
            self.ends()


def scope_of(request: Any) -> Scope:  # noqa: ANN401 - aiohttp.web.BaseRequest
    """Return what ASGI would say of a request."""
    url, transport = request.rel_url, request.transport
    ends = [transport.get_extra_info(name) if transport is not None else None for name in ("peername", "sockname")]
    client, server = [end[:2] if isinstance(end, tuple) else None for end in ends]
    return {
        "type": "http",
        "method": request.method,
        "scheme": request.scheme,
        "path": url.path,
        "query_string": url.raw_query_string.encode("latin-1", "replace"),
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "http_version": _VERSIONS.get(tuple(request.version), ""),
        "client": client,
        "server": server,
    }


def given(request: Any) -> int:  # noqa: ANN401 - aiohttp.web.BaseRequest
    """Return how much of a request's body its handler was given; 0 where it was decompressed, which nobody counts."""
    payload = request._payload  # noqa: SLF001 - `content`, which a subclass may have changed
    if request.headers.get("Content-Encoding"):
        return 0
    read: int = getattr(payload, "total_bytes", 0) - getattr(payload, "_size", 0)
    return read


def sent(request: Any, response: Any) -> int:  # noqa: ANN401 - of aiohttp.web
    """Return how much of an answer's body was handed over; a file that the system sends by itself is as long as it says."""
    size: int = getattr(request._payload_writer, "platform_sent", 0)  # noqa: SLF001 - there is no other way to it
    if not size and hasattr(response, "_sendfile"):
        return response.content_length or 0
    return size


def counting(kind: Any) -> type:  # noqa: ANN401 - aiohttp.http_writer.StreamWriter
    """Return a class that passes for the server's writer, whose writers count what they write of a body."""

    def enable_compression(self: Any, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - the library's
        kind.enable_compression(self, *arguments, **options)
        self._compress = _Compressing(self._compress, self)

    def write(self: Any, chunk: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the library's
        if self._compress is None:
            self.platform_sent += _within(size_of(chunk), self.length)
        return kind.write(self, chunk, *arguments, **options)

    def write_eof(self: Any, chunk: bytes = b"") -> Any:  # noqa: ANN401 - the library's
        if self._compress is None and not self._eof:
            self.platform_sent += size_of(chunk)
        return kind.write_eof(self, chunk)

    members = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__qualname__": kind.__qualname__, "platform_sent": 0}
    own = {
        function.__name__: dressed(function, getattr(kind, function.__name__))
        for function in (enable_compression, write, write_eof)
    }
    return type(kind.__name__, (kind,), {**members, **own})


def _within(size: int, left: int | None) -> int:
    """Return how much is written of a part: no more than what the answer has declared."""
    return size if left is None else min(size, left)


class _Compressing:
    """A compressor whose output is counted."""

    def __init__(self, compressor: Any, writer: Any) -> None:  # noqa: ANN401 - the library's
        self._compressor = compressor
        self._writer = writer

    def compress(self, data: Any) -> Any:  # noqa: ANN401 - bytes, or what is awaited for them
        made = self._compressor.compress(data)
        if isinstance(made, bytes):
            self._writer.platform_sent += len(made)
            return made
        return self._awaited(made)

    async def _awaited(self, made: Awaitable[bytes]) -> bytes:
        found = await made
        self._writer.platform_sent += len(found)
        return found

    def flush(self, *arguments: Any) -> bytes:  # noqa: ANN401 - the library's
        made: bytes = self._compressor.flush(*arguments)
        self._writer.platform_sent += len(made)
        return made

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the library's
        return getattr(self._compressor, name)
