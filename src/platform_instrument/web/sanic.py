"""Sanic: every request that its own server handles; under an ASGI server that one's adapter stands around it.

Taken where a connection takes its handler: Sanic compiles `handle_request` anew from its source as it starts, and what was
put around it before would be gone. A websocket is a request until its handshake is answered. `http.route` is the path of the
route that matched. The client's address is the one that Sanic resolved by its settings of proxies.
Source: sanic/server/protocols/http_protocol.py `HttpProtocol`, sanic/response/types.py `BaseHTTPResponse.send`,
sanic/handlers/error.py `ErrorHandler.default`, sanic/app.py `Sanic._server_event` (23.12 to 25.12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import EditCall, EditResult, Instrumentation
from platform_instrument.web.native import SWITCHED, observing, serving
from platform_instrument.web.sanic_requests import HELD, Request, answer

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def observe_handler(call: Call, _result: None) -> None:
    """Have the requests of a connection handled under observation."""
    protocol = call.instance
    protocol.request_handler = observing(protocol.request_handler, Request, answer)


def note_send(call: Call) -> None:
    """Note the status of an answer that is about to start, and count a part of its body."""
    response, data = call.instance, call.argument(1, "data")
    stream = response.stream
    native = None if stream is None else getattr(getattr(stream.request, "ctx", None), HELD, None)
    if native is None or native.exchange is None or native.exchange.closed:
        return
    if not native.exchange.status:
        for name, value in native.starts(response.status, response.headers.items()):
            response.headers[name] = value
        data = data or getattr(response, "body", None)  # as the server does with the first part
    native.sent(len(data.encode() if isinstance(data, str) else data or b""))


def note_handshake(call: Call, _result: Any) -> None:  # noqa: ANN401 - a websocket of Sanic's
    """Note that a websocket is open: what follows is no request any more."""
    native = getattr(call.argument(1, "request").ctx, HELD, None)
    if native is not None:
        native.note_route()
        native.starts(SWITCHED, ())
        native.ends()


def note_error(call: Call) -> None:
    """Record what no handler of the application takes, unless it is a way to answer."""
    request, error = call.argument(1, "request"), call.argument(2, "exception")
    native = None if request is None else getattr(request.ctx, HELD, None)
    if native is not None and not hasattr(error, "status_code"):
        native.fail(error)


def begin(call: Call, _result: None) -> None:
    """Be ready where an application has started in this process."""
    if (call.argument(1, "concern"), call.argument(2, "action")) == ("init", "after"):
        serving()


INSTRUMENTATION = Instrumentation(
    name="sanic",
    requires="sanic>=23.12,<26",
    patches=(
        EditResult("sanic.server.protocols.http_protocol:HttpProtocol.__init__", observe_handler),
        EditCall("sanic.response.types:BaseHTTPResponse.send", note_send),
        EditResult("sanic.server.protocols.websocket_protocol:WebSocketProtocol.websocket_handshake", note_handshake),
        EditCall("sanic.handlers.error:ErrorHandler.default", note_error),
        EditResult("sanic.app:Sanic._server_event", begin),
    ),
    modules=("sanic",),
)
