"""Litestar: `http.route` as the template of the matched route, and the exception behind an answer of 500.

What a middleware of the route answers has a route where it does so by an exception, as Litestar's own do.
Source: litestar/routes/http.py `HTTPRoute.handle`, litestar/middleware/_internal/exceptions/middleware.py
`ExceptionHandlerMiddleware.default_http_exception_handler` (2.0 to 2.25).
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.web.exchange import SERVER_ERROR, served
from platform_instrument.web.fallback import claim_asgi
from platform_instrument.web.wsgi import note_route

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_HANDLER = "default_http_exception_handler"
_MODULES = ("litestar.middleware._internal.exceptions.middleware", "litestar.middleware.exceptions.middleware")
"""Where the middleware is, in new versions and in old ones."""


def note_template(call: Call) -> None:
    """Note the template of the route that handles a request."""
    note_route(call.argument(1, "scope"), call.instance.path_format)


def note_application(call: Call) -> None:
    """Note the path of an ASGI application below Litestar, which goes on routing where it is mounted."""
    exchange = served(call.argument(1, "scope"))
    if exchange is None:
        return
    if call.instance.route_handler.is_mount:
        exchange.prefix += call.instance.path_format
    else:
        exchange.route = call.instance.path_format


def note_exception(call: Call) -> None:
    """Record what no handler of the application takes, before Litestar turns it into an answer."""
    scope, error = call.argument(1, "request").scope, call.argument(2, "exc")
    exchange = served(scope)
    if exchange is None:
        return
    if not exchange.route:
        exchange.route = scope.get("path_template", "")
    if getattr(error, "status_code", SERVER_ERROR) == SERVER_ERROR:
        exchange.fail(error)


def apply_exceptions(name: str, changes: Changes) -> None:
    """Have the middleware note exceptions; a module of old that only points to the new place is not asked for it."""
    kind = vars(sys.modules[name]).get("ExceptionHandlerMiddleware")
    if kind is not None:
        changes.edit(kind, EditCall(f"{name}:ExceptionHandlerMiddleware.{_HANDLER}", note_exception))


def apply_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_asgi(changes, sys.modules["litestar.app"].Litestar)


INSTRUMENTATION = Instrumentation(
    name="litestar",
    requires="litestar>=2.0,<3",
    patches=(
        EditCall("litestar.routes.http:HTTPRoute.handle", note_template),
        EditCall("litestar.routes.websocket:WebSocketRoute.handle", note_template),
        EditCall("litestar.routes.asgi:ASGIRoute.handle", note_application),
        *(Custom(name, partial(apply_exceptions, name)) for name in _MODULES),
        Custom("litestar.app", apply_fallback),
    ),
    modules=("litestar",),
)
