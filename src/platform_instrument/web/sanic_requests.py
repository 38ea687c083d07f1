"""A request of Sanic's own server, as ASGI would tell it.

Source: sanic/request/types.py `Request`, sanic/http/http1.py `Http` (23.12 to 25.12).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from platform_instrument.web.asgi import PEER
from platform_instrument.web.native import Native

if TYPE_CHECKING:
    from platform_instrument.web.asgi import Scope
    from platform_instrument.web.native import Answer

HELD = "_platform_native"
"""Where the context of a request has what it is told as: Sanic keeps that apart from the application's own attributes."""


class Request(Native):
    """A request of Sanic's."""

    __slots__ = ("request",)

    def __init__(self, request: Any) -> None:  # noqa: ANN401 - sanic.request.Request
        super().__init__(scope_of(request))
        self.request = request
        setattr(request.ctx, HELD, self)

    def identify(self, name: str, value: str) -> None:
        """Put a header in the place of the client's."""
        self.request.headers[name] = value

    def note_route(self) -> None:
        """Note the path of the route that matched, if any did."""
        route = self.request.route
        if route is not None and self.exchange is not None:
            self.exchange.route = f"/{route.path}"

    def complete(self) -> None:
        """Note the route, and what was read of the request's body."""
        if self.exchange is None or self.exchange.closed:
            return
        self.note_route()
        stream = self.request.stream
        read = getattr(stream, "request_bytes", 0) - max(getattr(stream, "request_bytes_left", 0), 0)
        if read > 0:
            self.received(read)
        if self.failed is not None:
            self.ends()


def scope_of(request: Any) -> Scope:  # noqa: ANN401 - sanic.request.Request
    """Return what ASGI would say of a request."""
    connection = request.conn_info
    peer = (connection.client_ip, connection.client_port) if connection is not None and connection.client_port else None
    return {
        "type": "http",
        "method": request.method,
        "scheme": {"ws": "http", "wss": "https"}.get(request.scheme, request.scheme),
        "path": unquote(request.path),
        "query_string": request.query_string.encode("latin-1", "replace"),
        "headers": [(name.lower().encode(), value.encode("utf-8", "surrogateescape")) for name, value in request.headers.items()],
        "http_version": request.version,
        "client": None if peer is None else (request.remote_addr or peer[0], 0),
        PEER: peer,
    }


async def answer(given: Answer, _handle: object, request: Any) -> None:  # noqa: ANN401 - sanic.request.Request
    """Give an answer in the place of the application's."""
    status, headers, body = given
    raw = sys.modules["sanic.response"].raw
    response = await request.respond(raw(body, status, headers, headers["content-type"]))
    await response.send(end_stream=True)
