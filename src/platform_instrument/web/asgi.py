"""The ASGI adapter: stands between the server and the application, and observes each HTTP request once.

The span ends when the last part of the body is sent, so that a background task does not count; a response that says
5xx waits for the exception that may follow it.
Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.drive import unseen
from platform_instrument.web.exchange import KEY, Exchange, open_exchange, wanted_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_PLACE = "asgi request"
_SERVER_ERROR = 500


@unseen
def observe_asgi(application: Application) -> Application:
    """Return the application under observation."""

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = guard(_PLACE, _open, scope)
        if exchange is None:
            await application(scope, receive, send)
            return

        def observed_send(message: Message) -> Awaitable[None]:
            guard(_PLACE, _sent, exchange, message)
            return send(message)

        try:
            await application(scope, receive, observed_send)
        except BaseException as error:
            guard(_PLACE, _left, exchange, error)
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise
        guard(_PLACE, _left, exchange, None)

    return observed


class _Wanted:
    """The headers worth decoding, by their name as it comes: made once, when the propagators are known."""

    names: dict[bytes, str] | None = None


def _open(scope: Scope) -> Exchange | None:
    """Open the exchange of an HTTP request; any other scope passes."""
    if scope["type"] != "http" or KEY in scope:
        return None
    names = _Wanted.names
    if names is None:
        names = _Wanted.names = {name.encode("latin-1"): name for name in wanted_headers()}
    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = names.get(raw)
        if name is not None:
            text = value.decode("latin-1")
            headers[name] = f"{headers[name]},{text}" if name in headers else text
    peer = scope.get("client")
    exchange = open_exchange(
        scope["method"],
        scope.get("scheme", "http"),
        scope.get("http_version", ""),
        scope["path"],
        scope.get("query_string", b"").decode("latin-1"),
        headers,
        (peer[0], peer[1]) if peer else None,
    )
    scope[KEY] = exchange
    scope["fastapi.telemetry"] = None  # FastAPI from 0.165 on makes spans of its own where this is not set
    return exchange


def _sent(exchange: Exchange, message: Message) -> None:
    """Note the status; end with the last part of the body."""
    kind = message["type"]
    if kind == "http.response.start":
        exchange.status = message["status"]
    elif not message.get("more_body") and exchange.status < _SERVER_ERROR and kind.startswith("http.response."):
        exchange.close()


def _left(exchange: Exchange, error: BaseException | None) -> None:
    """End, if the body did not: the application returned early, failed or was cancelled."""
    exchange.release()
    exchange.close(error)
