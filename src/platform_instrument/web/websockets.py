"""Websockets of ASGI servers, by `PLATFORM_WEBSOCKETS`: one SERVER span each, from the handshake to the close, with its messages.

Span: `GET {http.route}`. `http.response.status_code` answers the handshake; `platform.websocket.received` and `.sent` are numbers
of messages, `platform.websocket.close_code` is what closed it. A websocket is no request: it has no metric, since it lasts for
hours. An exception that leaves the application is an error, and so is 1011, by which a server says that it failed.
Source: https://asgi.readthedocs.io/en/latest/specs/www.html#websocket; RFC 6455, section 7.4.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.errors import error_type
from platform_instrument.core.families import HTTP_SERVER, SUPPRESSED
from platform_instrument.core.guard import guard
from platform_instrument.core.values import SERVER, Operation
from platform_instrument.engine.frames import unseen
from platform_instrument.engine.scope import merge, settle
from platform_instrument.telemetry import propagation
from platform_instrument.telemetry.context import CURRENT, SERVED, Ambient
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.span import Link, Span
from platform_instrument.telemetry.tracer import start
from platform_instrument.web.asgi import described, joined
from platform_instrument.web.exchange import KEY, SERVER_ERROR, Exchange
from platform_instrument.web.exclusion import excluded
from platform_instrument.web.front import Front

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from platform_instrument.web.asgi import Application, Message, Receive, Scope, Send

_PLACE = "websocket"
_SWITCHED, _REFUSED = 101, 403
_NORMAL, _NO_CODE, _FAILED = 1000, 1005, 1011
_MOST_OPERATIONS = 2_000
_SCOPE = own_scope("http")
_with_traceback = BaseException.with_traceback
_operations: dict[tuple[str, str], Operation] = {}


def install() -> None:
    """Observe the websockets of every application that is served from now on."""
    before = Front.asgi
    Front.asgi = staticmethod(lambda application: before(observe_websockets(application)))


class Connection(Exchange):
    """A websocket on its way: its route is found like a request's, and its messages are counted as they pass."""

    __slots__ = ("close_code", "messages_received", "messages_sent", "scheme")

    close_code: int | None
    messages_received: int
    messages_sent: int
    scheme: str

    def took(self, message: Message) -> None:
        """Note what the application was given."""
        kind = message["type"]
        if kind == "websocket.receive":
            self.messages_received += 1
        elif kind == "websocket.disconnect":
            self._closed_by(message.get("code", _NO_CODE))

    def gave(self, message: Message) -> None:
        """Note what the application sends."""
        kind = message["type"]
        if kind == "websocket.send":
            self.messages_sent += 1
        elif kind == "websocket.accept":
            self.status = _SWITCHED
        elif kind == "websocket.close":
            if self.status:
                self._closed_by(message.get("code", _NORMAL))
            else:
                self.status = _REFUSED  # what a server answers then
                self.close()
        elif kind == "websocket.http.response.start":
            self.status = message["status"]
        elif kind == "websocket.http.response.body" and not message.get("more_body"):
            self.close()

    def _closed_by(self, code: int) -> None:
        if not self.closed:
            self.close_code = code
            self.close()

    def close(self, error: BaseException | None = None) -> None:
        """End the span, once: with the close of either side, a refusal, or what leaves the application before."""
        if self.closed:
            return
        if error is not None:
            self._leave_with(error)
        self.closed = True
        span = self.span
        span.end_ns = span.start_ns + perf_counter_ns() - span.ticks
        before, route = span.operation, self.root + self.prefix + self.route if self.route or self.prefix else ""
        span.operation = _operation(self.scheme, route)
        if before is not None and span.name is before.name:  # else the application gave it a name of its own
            span.name = span.operation.name
        answered: dict[str, Any] = {
            "platform.websocket.received": self.messages_received,
            "platform.websocket.sent": self.messages_sent,
        }
        if self.status:
            answered["http.response.status_code"] = self.status
        if self.close_code is not None:
            answered["platform.websocket.close_code"] = self.close_code
        if self._error is not None:
            answered["error.type"] = error_type(self._error)
            self._error = None  # its frames hold the websocket, and that holds this
        elif self.close_code == _FAILED or self.status >= SERVER_ERROR:
            answered["error.type"] = str(self.close_code or self.status)
        merge(span, answered)
        settle(span, answered)


@unseen
def observe_websockets(application: Application) -> Application:
    """Return the application, whose websockets are observed; anything else passes."""

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        connection = guard(_PLACE, _open, scope)
        if connection is None:
            await application(scope, receive, send)
            return

        async def counted_receive() -> Message:
            try:
                message = await receive()
            except BaseException as error:
                _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
                raise
            guard(_PLACE, connection.took, message)
            return message

        def counted_send(message: Message) -> Awaitable[None]:
            guard(_PLACE, connection.gave, message)
            return send(message)

        try:
            await application(scope, counted_receive, counted_send)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(_PLACE, _left, connection, error)
            raise
        guard(_PLACE, _left, connection, None)

    def routed(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (observed if scope["type"] == "websocket" else application)(scope, receive, send)

    routed.__wrapped__ = application  # type: ignore[attr-defined] # where `web.routes` looks for it
    return routed


def _left(connection: Connection, error: BaseException | None) -> None:
    connection.release()
    connection.close(error)


def _open(scope: Scope) -> Connection | None:
    """Open the span of a websocket; None where it is observed already."""
    current = CURRENT.get()
    if KEY in scope or (type(current) is Span and current.families & HTTP_SERVER and not current.end_ns):
        return None
    pairs = scope["headers"] = list(scope.get("headers", ()))
    headers, scheme = joined(pairs), scope.get("scheme", "ws")
    host = headers.get(b"host", b"").decode("latin-1")
    attributes = described(scope, scheme, host, headers.get(b"user-agent"))
    carried = {name: headers[raw].decode("latin-1") for name in propagation.ACTIVE.fields if (raw := name.encode()) in headers}
    parent, link = propagation.ACTIVE.extract(carried.get) if carried else (None, None)
    operation = _operation(scheme, "")
    if excluded(scheme, host, attributes):
        unseen_below = Ambient(parent.trace_id, parent.span_id, 0) if parent else Ambient()
        span = start(operation.name, SERVER, operation, attributes, _SCOPE, unseen_below, SUPPRESSED)
        span.flags, span.recording = 0, False
    else:
        span = start(operation.name, SERVER, operation, attributes, _SCOPE, parent, HTTP_SERVER)
        if link is not None and span.recording:
            span.more().links.append(Link(*link, "", {}))
    connection = Connection()
    connection.span, connection.scheme = span, scheme
    connection.route, connection.prefix, connection.root = "", "", scope.get("root_path", "")
    connection.status = connection.messages_received = connection.messages_sent = 0
    connection.closed = connection.mounting = False
    connection.close_code = connection._error = None  # noqa: SLF001 - set here as those of a request are
    scope[KEY] = connection
    SERVED.set(connection)
    connection._token = CURRENT.set(span)  # noqa: SLF001 - as above
    return connection


def _operation(scheme: str, route: str) -> Operation:
    """Return what websockets of a route have in common; they are counted by no metric."""
    found = _operations.get((scheme, route))
    if found is None:
        attributes = {"http.request.method": "GET", "url.scheme": scheme, "network.protocol.name": "websocket"}
        if route:
            attributes["http.route"] = route
        found = Operation(f"GET {route}" if route else "GET", SERVER, attributes)
        if len(_operations) >= _MOST_OPERATIONS:
            _operations.clear()
        _operations[(scheme, route)] = found
    return found
