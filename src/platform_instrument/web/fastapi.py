"""FastAPI: `http.route` of a route that was included with a prefix, which FastAPI from 0.165 on keeps apart from the route.

Older versions copy the prefix into the route, which `web.starlette` reads.
Source: fastapi/routing.py `_route_selected` (0.165).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditCall, Instrumentation
from platform_instrument.web.exchange import KEY

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def note_route(call: Call) -> None:
    """Note the whole template; a mount's prefix comes from `Mount.handle`."""
    exchange = call.kwargs["scope"].get(KEY)
    if exchange is not None and call.kwargs["path"] and not call.kwargs.get("mount"):
        exchange.route = call.kwargs["path"]


INSTRUMENTATION = Instrumentation(
    name="fastapi",
    requires="fastapi>=0.80",
    patches=(EditCall("fastapi.routing:_route_selected", note_route, optional=True),),
    modules=("fastapi",),
)
