"""Starlette and FastAPI: `http.route` as the template of the matched route, mount prefixes included.

FastAPI's routes are Starlette's. The exchange is found through the scope, which survives middlewares that copy it.
Source: starlette/routing.py `Route.handle`, `Mount.handle` (0.20 to 1.10); starlette/applications.py `Starlette.__call__`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.web.exchange import KEY
from platform_instrument.web.fallback import claim_asgi
from platform_instrument.web.own_telemetry import let_pass

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from platform_instrument.core.values import Changes
    from platform_instrument.web.asgi import Receive, Scope, Send
    from platform_instrument.web.exchange import Exchange

    Handle = Callable[[Any, Scope, Receive, Send], Awaitable[None]]


def note_route(exchange: Exchange, route: Any) -> None:  # noqa: ANN401 - starlette.routing.Route
    """Note the template of the route that handles the request, unless FastAPI has said a longer one."""
    if not exchange.route:
        exchange.route = getattr(route, "path_format", "")


def note_mount(exchange: Exchange, mount: Any) -> None:  # noqa: ANN401 - starlette.routing.Mount
    """Note the prefix below which another application routes on, unless FastAPI has said a longer one."""
    if exchange.mounting:
        exchange.mounting = False
    else:
        exchange.prefix += getattr(mount, "path_format", "").removesuffix("/{path}")


@unseen
def noting(handle: Handle, note: Callable[[Exchange, Any], None]) -> Handle:
    """Return the method, preceded by a note; by hand, because it is passed by every request."""

    def noted(self: Any, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # noqa: ANN401 - a route
        exchange = scope.get(KEY)
        if exchange is not None:
            note(exchange, self)
        return handle(self, scope, receive, send)

    return noted


def apply_routes(changes: Changes) -> None:
    """Have routes and mounts note themselves."""
    routing = sys.modules["starlette.routing"]
    for kind, note in ((routing.Route, note_route), (routing.WebSocketRoute, note_route), (routing.Mount, note_mount)):
        changes.replace(kind, "handle", dressed(noting(kind.handle, note), kind.handle))


def apply_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_asgi(changes, sys.modules["starlette.applications"].Starlette)


INSTRUMENTATION = Instrumentation(
    name="starlette",
    requires="starlette>=0.20,<2",
    patches=(
        Custom("starlette.routing", apply_routes),
        Custom("starlette.applications", apply_fallback),
        EditCall("starlette.middleware.opentelemetry:OpenTelemetryMiddleware.__call__", let_pass, optional=True),
    ),
    modules=("starlette",),
)
