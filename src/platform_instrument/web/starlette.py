"""Starlette and FastAPI: `http.route` as the template of the matched route, mount prefixes included.

FastAPI's routes are Starlette's. The exchange is found through the scope, which survives middlewares that copy it.
Source: starlette/routing.py `Route.handle`, `Mount.handle` (0.20 to 1.10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditCall, Instrumentation
from platform_instrument.web.exchange import KEY

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def note_route(call: Call) -> None:
    """Note the template of the route that handles the request."""
    exchange = call.argument(1, "scope").get(KEY)
    if exchange is not None:
        exchange.route = call.instance.path


def note_mount(call: Call) -> None:
    """Note the prefix below which another application routes on."""
    exchange = call.argument(1, "scope").get(KEY)
    if exchange is not None:
        exchange.prefix += call.instance.path


INSTRUMENTATION = Instrumentation(
    name="starlette",
    requires="starlette>=0.20",
    patches=(
        EditCall("starlette.routing:Route.handle", note_route),
        EditCall("starlette.routing:Mount.handle", note_mount),
    ),
    modules=("starlette",),
)
