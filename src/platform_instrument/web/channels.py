"""Django Channels: `http.route` of what its `URLRouter` hands on, nested routers included; HTTP and websockets.

The patterns are matched as the router does it, but for converters: those are the application's, and run once.
Source: channels/routing.py `URLRouter.__call__`, `ProtocolTypeRouter.__call__` (3.0 to 4.3).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.web.exchange import served
from platform_instrument.web.fallback import claim_asgi

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_LEFT = "path_remaining"
"""What a router in front has left of the path."""


def note_pattern(call: Call) -> None:
    """Note the pattern that is going to match, behind those of the routers in front."""
    scope = call.argument(1, "scope")
    exchange = served(scope)
    if exchange is None:
        return
    nested = _LEFT in scope
    path = scope[_LEFT] if nested else scope["path"].removeprefix(scope.get("root_path", ""))
    pattern = _matching(call.instance.routes, path.lstrip("/"))
    if pattern is not None:
        exchange.route = (exchange.route if nested else "/") + str(pattern).lstrip("^/")


def _matching(routes: Any, path: str) -> Any:  # noqa: ANN401 - django.urls.URLPattern, and its pattern
    """Return the first pattern that the path matches, None where there is none."""
    for route in routes:
        if route.pattern.regex.search(path):
            return route.pattern
    return None


def apply_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_asgi(changes, sys.modules["channels.routing"].ProtocolTypeRouter)


INSTRUMENTATION = Instrumentation(
    name="channels",
    requires="channels>=3.0,<5",
    patches=(
        EditCall("channels.routing:URLRouter.__call__", note_pattern),
        Custom("channels.routing", apply_fallback),
    ),
    modules=("channels",),
)
