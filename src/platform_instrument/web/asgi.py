"""The ASGI adapter: stands between the server and the application, and observes each HTTP request once.

The span ends when the last part of the body is sent, so that a background task does not count; a response that says
5xx waits for the exception that may follow it. Bodies are counted as they pass: what the application sends always, what it
receives where the request may have a body, so that a plain GET pays nothing for it. Websockets are no requests here.
Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import absorb, guard
from platform_instrument.engine.frames import unseen
from platform_instrument.semantics.http import known_version
from platform_instrument.telemetry import propagation
from platform_instrument.telemetry.context import SERVED
from platform_instrument.telemetry.elsewhere import Elsewhere
from platform_instrument.web import captured
from platform_instrument.web.exchange import KEY, SERVER_ERROR, Exchange, bounded, open_exchange
from platform_instrument.web.hosts import server_address
from platform_instrument.web.sizes import size_of, size_of_copy, size_of_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PEER = "platform_instrument.peer"
"""Where `scope` carries the address of the connection, once a middleware has put the client's own in its place."""

_PLACE = "asgi request"
_FASTAPI = "fastapi.telemetry"
"""FastAPI from 0.165 on makes spans of its own where this is not in the scope; see `web.own_telemetry`."""
_LONG = 2_048
_with_traceback = BaseException.with_traceback


@unseen
def observe_asgi(application: Application) -> Application:
    """Return the application under observation."""
    begin: Callable[[Any], Exchange | None] = _open
    wanted = captured.known()
    if wanted is not None:
        begin, application = wanted.around_asgi(_open, application)

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = None
        try:  # in place: on the way of each request, `guard` would cost a third of what it guards
            exchange = begin(scope)
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb(_PLACE, fault)
        if exchange is None:
            try:
                await application(scope, receive, send)
            except BaseException as error:
                _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
                raise
            return

        def observed_send(message: Message) -> Awaitable[None]:
            try:
                _sent(exchange, message)
            except RecursionError:  # the application's stack is nearly used up: nothing can be called here
                return send(message)
            except BaseException as fault:  # noqa: BLE001 - as above
                absorb(_PLACE, fault)
            return send(message)

        try:
            await application(scope, counted(receive, exchange) if exchange.expects else receive, observed_send)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(_PLACE, _left, exchange, error)
            raise
        guard(_PLACE, _left, exchange, None)

    return observed


@unseen
def counted(receive: Receive, exchange: Exchange) -> Receive:
    """Return `receive` that counts the request's body."""

    async def counting() -> Message:
        try:
            message = await receive()
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        guard(_PLACE, _received, exchange, message)
        return message

    return counting


@unseen
def note_peer(application: Application) -> Application:
    """Return the application, told in `scope` who is at the other end of the connection."""

    def noting(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            scope[PEER] = scope.get("client")
        return application(scope, receive, send)

    return noting


class _Carriers:
    """The headers that carry context, as bytes: made once, when the propagators are known."""

    names: frozenset[bytes] | None = None


def _open(scope: Scope) -> Exchange | None:
    """Open the exchange of an HTTP request; any other scope passes."""
    if scope["type"] != "http" or KEY in scope:
        if scope["type"] == "websocket" and not Elsewhere.known:
            scope[_FASTAPI] = None
        return None
    pairs = scope["headers"]
    if not isinstance(pairs, (list, tuple)):
        pairs = scope["headers"] = list(pairs)  # any iterable is allowed, such as one that can be read once
    headers: dict[bytes, bytes] = dict(pairs)
    if len(headers) != len(pairs):
        headers = joined(pairs)
    names = _Carriers.names
    if names is None:
        names = _Carriers.names = frozenset(name.encode() for name in propagation.ACTIVE.fields)
    carried = None if names.isdisjoint(headers) else _carried(headers, names)
    scheme: str = scope.get("scheme", "http")
    raw = headers.get(b"host")
    host = raw.decode("latin-1") if raw else ""
    attributes = described(scope, scheme, host, headers.get(b"user-agent"))
    if captured.Wanted.request is not None or not captured.Wanted.ready:
        attributes.update(captured.of_request(pairs))
    exchange = open_exchange(scope["method"], scheme, known_version(scope.get("http_version", "")), host, attributes, carried)
    length = headers.get(b"content-length")
    if exchange is not None and (length is not None or b"transfer-encoding" in headers):
        exchange.expect(length)
    try:
        _marked(scope, exchange)
    except BaseException:  # a scope that cannot be written to
        if exchange is not None:
            exchange.release()
        raise
    return exchange


def _marked(scope: Scope, exchange: Exchange | None) -> None:
    """Note in the scope that its request is observed."""
    scope[KEY] = exchange
    if not Elsewhere.known:
        scope[_FASTAPI] = None
    if exchange is not None:
        exchange.root = scope.get("root_path", "")
        SERVED.set(exchange)


def described(scope: Scope, scheme: str, host: str, agent: bytes | None) -> dict[str, Any]:
    """Return the attributes of a request besides those of its operation."""
    path = scope["path"]
    attributes: dict[str, Any] = {"url.path": path}
    query = scope.get("query_string")
    if query:
        attributes["url.query"] = query.decode("latin-1")
    if host:
        attributes["server.address"], attributes["server.port"] = server_address(host, scheme)
    else:
        _listener(attributes, scope.get("server"))
    client = scope.get("client")
    if client:
        attributes["client.address"] = client[0]
    peer = scope.get(PEER, client)
    if peer and peer[1]:  # a port of 0 is a proxy's word about the client
        attributes["network.peer.address"], attributes["network.peer.port"] = peer[0], int(peer[1])  # granian's is a text
    if agent:
        attributes["user_agent.original"] = agent.decode("latin-1")
    if query or len(path) > _LONG or (agent and len(agent) > _LONG):
        bounded(attributes)
    return attributes


def joined(pairs: Any) -> dict[bytes, bytes]:  # noqa: ANN401 - an iterable of two-item iterables
    """Return the headers with the values of repeated ones joined, as RFC 9110 says; two `traceparent` make an invalid one."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: b",".join(found) for name, found in values.items()}


def _carried(headers: dict[bytes, bytes], names: frozenset[bytes]) -> dict[str, str]:
    """Return the headers that carry context, as text."""
    return {name.decode(): headers[name].decode("latin-1") for name in names if name in headers}


def _listener(attributes: dict[str, Any], server: Any) -> None:  # noqa: ANN401 - `scope["server"]`
    """Note the address on which the server listens, where the client did not say whom it meant."""
    if server and server[0]:
        attributes["server.address"] = server[0]
        if server[1]:
            attributes["server.port"] = int(server[1])


def _received(exchange: Exchange, message: Message) -> None:
    """Count a part of the request's body; whoever was told that the client has left has asked, too."""
    body = message.get("body") if message["type"] == "http.request" else None
    exchange.received = max(exchange.received, 0) + (size_of(body) if body else 0)


def _sent(exchange: Exchange, message: Message) -> None:
    """Note the status; count the body; end with its last part."""
    kind = message["type"]
    if kind == "http.response.start":
        exchange.status = message["status"]
        if captured.Wanted.response is not None:
            exchange.annotate(captured.Wanted.response(message.get("headers", ())))
        return
    if kind == "http.response.body":
        body = message.get("body")
        if body:
            exchange.sent += len(body) if type(body) is bytes else size_of(body)
    elif kind in _FILES:
        exchange.sent += _FILES[kind](message)
    else:
        return
    if message.get("more_body"):
        return
    if exchange.status < SERVER_ERROR:
        exchange.close()
    elif not exchange.answered_ticks:
        exchange.answered_ticks = perf_counter_ns()


_FILES = {"http.response.pathsend": size_of_path, "http.response.zerocopysend": size_of_copy}
"""Other messages with which a body may go on or end, and how much they send. Source: ASGI extensions."""


def _left(exchange: Exchange, error: BaseException | None) -> None:
    """End, if the body did not: the application returned early, failed or was cancelled."""
    exchange.release()
    if not exchange.closed:
        exchange.close(error)
