"""Tornado: every request that a handler of its web framework answers, and WSGI applications in its container.

The span lasts from the handler's execution until its answer is finished; what a handler does afterwards is no part of it. A
websocket is a request until its handshake is answered. `http.route` is the pattern of the rule that matched, as it is
written. The client's address is the one that `xheaders` resolved.
Source: tornado/web.py `RequestHandler._execute`, `_handle_request_exception`, tornado/routing.py `PathMatches.match`,
tornado/http1connection.py `HTTP1Connection` (6.1 to 6.6).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.web.fallback import serve_wsgi
from platform_instrument.web.native import NATIVE, observing, serving
from platform_instrument.web.tornado_requests import Request, answer, noting

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes


def told(handler: Any, *_: object) -> Request | None:  # noqa: ANN401 - tornado.web.RequestHandler
    """Return what a request is told as; what is handed over to something else than a handler is observed there."""
    if isinstance(handler, sys.modules["tornado.web"].FallbackHandler):
        return None
    return Request(handler.request)


def note_start(call: Call) -> None:
    """Note the status of an answer whose headers are about to be written, and the first part of its body."""
    native = vars(call.instance).get(NATIVE)
    if native is not None:
        headers = call.argument(2, "headers")
        for name, value in native.starts(call.argument(1, "start_line").code, headers.get_all()):
            headers[name] = value
        native.sent(len(call.argument(3, "chunk") or b""))


def note_part(call: Call) -> None:
    """Count a part of the answer's body."""
    native = vars(call.instance).get(NATIVE)
    if native is not None:
        native.sent(len(call.argument(1, "chunk")))


def note_end(call: Call, _result: None) -> None:
    """Note that the answer is complete."""
    native = vars(call.instance).pop(NATIVE, None)
    if native is not None:
        native.ends()


def note_upload(call: Call) -> None:
    """Count a part of a request's body that its handler takes as it comes."""
    native = vars(call.instance.request.connection).get(NATIVE)
    if native is not None and call.instance.stream_request_body:
        native.received(len(call.argument(1, "data")))


def note_error(call: Call) -> None:
    """Record what a handler raised, unless it is a way to answer."""
    error, web = call.argument(1, "e"), sys.modules["tornado.web"]
    native = vars(call.instance.request.connection).get(NATIVE)
    if native is not None and not isinstance(error, (web.HTTPError, web.Finish)):
        native.fail(error)


def observe_container(call: Call, _result: None) -> None:
    """Put the WSGI adapter around an application that Tornado serves."""
    call.instance.wsgi_application = serve_wsgi(call.instance.wsgi_application)


def begin(_call: Call) -> None:
    """Be ready: a server is about to listen, in this process."""
    serving()


def apply(changes: Changes) -> None:
    """Observe the method that executes a request."""
    handler = sys.modules["tornado.web"].RequestHandler
    changes.replace(handler, "_execute", observing(handler._execute, told, answer))  # noqa: SLF001 - the one that has the whole


def apply_routes(changes: Changes) -> None:
    """Have rules note themselves."""
    matches = sys.modules["tornado.routing"].PathMatches
    changes.replace(matches, "match", noting(matches.match))


INSTRUMENTATION = Instrumentation(
    name="tornado",
    requires="tornado>=6.1,<7",
    patches=(
        Custom("tornado.web", apply),
        Custom("tornado.routing", apply_routes),
        EditCall("tornado.web:RequestHandler._handle_request_exception", note_error),
        EditCall("tornado.web:_HandlerDelegate.data_received", note_upload),
        EditCall("tornado.http1connection:HTTP1Connection.write_headers", note_start),
        EditCall("tornado.http1connection:HTTP1Connection.write", note_part),
        EditResult("tornado.http1connection:HTTP1Connection.finish", note_end),
        EditCall("tornado.httpserver:HTTPServer.add_sockets", begin),
        EditResult("tornado.wsgi:WSGIContainer.__init__", observe_container),
    ),
    modules=("tornado.web", "tornado.wsgi"),
)
