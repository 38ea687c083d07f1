"""A request of Tornado's, as ASGI would tell it, and the rule that took it.

Source: tornado/httputil.py `HTTPServerRequest`, tornado/httpserver.py `_HTTPRequestContext` (6.1 to 6.6).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.web.asgi import PEER
from platform_instrument.web.native import NATIVE, Native

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.web.asgi import Scope
    from platform_instrument.web.native import Answer

_ROUTE = "platform_instrument.route"
_DECOMPRESSED = "X-Consumed-Content-Encoding"


class Request(Native):
    """A request of Tornado's; its connection knows it, until it is answered."""

    __slots__ = ("request",)

    def __init__(self, request: Any) -> None:  # noqa: ANN401 - tornado.httputil.HTTPServerRequest
        super().__init__(scope_of(request))
        self.request = request
        vars(request.connection)[NATIVE] = self

    def identify(self, name: str, value: str) -> None:
        """Put a header in the place of the client's."""
        self.request.headers[name] = value

    def begun(self) -> None:
        """Note the route, and the size of a body that is there already, as it came: not one that was decompressed."""
        if self.exchange is not None:
            self.exchange.route = vars(self.request).get(_ROUTE, "")
            if self.request.body and _DECOMPRESSED not in self.request.headers:
                self.received(len(self.request.body))


def scope_of(request: Any) -> Scope:  # noqa: ANN401 - tornado.httputil.HTTPServerRequest
    """Return what ASGI would say of a request."""
    address = getattr(getattr(request.connection, "context", None), "address", None)
    peer = address[:2] if isinstance(address, tuple) else None
    path, raw = request.path, request.headers.get_all()
    return {
        "type": "http",
        "method": request.method,
        "scheme": request.protocol,
        "path": sys.modules["tornado.escape"].url_unescape(path, plus=False) if "%" in path else path,
        "query_string": request.query.encode("latin-1", "replace"),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in raw],
        "http_version": request.version.rpartition("/")[2],
        "client": None if peer is None else (request.remote_ip, 0),
        PEER: peer,
    }


async def answer(given: Answer, _execute: object, handler: Any, *_: object) -> None:  # noqa: ANN401 - a RequestHandler
    """Give an answer in the place of the handler's."""
    status, headers, body = given
    handler._transforms = []  # noqa: SLF001 - as the method does that is not called
    handler.set_status(status)
    for name, value in headers.items():
        handler.set_header(name, value)
    handler.finish(body)
    if handler._prepared_future is not None:  # noqa: SLF001 - as above
        handler._prepared_future.set_result(None)  # noqa: SLF001


def noting(match: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of a rule, which notes its pattern on a request that it takes; by hand, because each rule is asked."""

    def noted(self: Any, request: Any) -> Any:  # noqa: ANN401 - the library's
        found = match(self, request)
        if found is not None:
            request.__dict__[_ROUTE] = self.regex.pattern.removesuffix("$")
        return found

    return dressed(unseen(noted), match)
