"""FastAPI: `http.route` of a route that was included with a prefix, which FastAPI from 0.165 on keeps apart from the route.

Older versions copy the prefix into the route, which `web.starlette` reads.
Source: fastapi/routing.py `_route_selected` (0.165).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.web.exchange import KEY
from platform_instrument.web.fallback import claim_asgi
from platform_instrument.web.own_telemetry import leave_to_us, note_providers

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes
    from platform_instrument.web.asgi import Scope


@unseen
def noting(selected: Callable[..., None]) -> Callable[..., None]:
    """Return the function, preceded by a note; by hand, because it is passed by every request."""

    def noted(*, scope: Scope, path: str | None, mount: bool = False, **others: Any) -> None:  # noqa: ANN401 - of later versions
        exchange = scope.get(KEY)
        if exchange is not None and path is not None:
            if mount:
                exchange.mounting = True
                exchange.prefix += path.removesuffix("/{path}")
            else:
                exchange.route = path
        selected(scope=scope, path=path, mount=mount, **others)

    return noted


def apply(changes: Changes) -> None:
    """Hear what FastAPI tells its own telemetry."""
    routing = sys.modules["fastapi.routing"]
    changes.replace(routing, "_route_selected", dressed(noting(routing._route_selected), routing._route_selected))  # noqa: SLF001


def apply_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves, outside FastAPI's own telemetry."""
    claim_asgi(changes, sys.modules["fastapi.applications"].FastAPI)


INSTRUMENTATION = Instrumentation(
    name="fastapi",
    requires="fastapi>=0.80,<1",
    patches=(
        Custom("fastapi.routing", apply, optional=True),
        Custom("fastapi.applications", apply_fallback),
        EditCall("fastapi.telemetry._asgi:NativeTelemetry.__init__", note_providers, optional=True),
        EditCall("fastapi.telemetry._asgi:NativeTelemetry.__call__", leave_to_us, optional=True),
    ),
    modules=("fastapi",),
)
