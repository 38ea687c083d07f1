"""Pyramid: `http.route` as the pattern of the route that matched; traversal has none.

An exception that no view takes leaves the application, and is recorded there.
Source: pyramid/urldispatch.py `RoutesMapper.__call__`, pyramid/router.py `Router.__call__` (1.10 to 2.1).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.web.fallback import claim_wsgi
from platform_instrument.web.wsgi import note_route

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes


def note_pattern(call: Call, found: Any) -> None:  # noqa: ANN401 - a route and what it matched
    """Note the pattern of the route that was found; it may be written without the leading slash."""
    if found["route"] is not None:
        note_route(call.argument(1, "request").environ, "/" + found["route"].pattern.lstrip("/"))


def apply_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_wsgi(changes, sys.modules["pyramid.router"].Router)


INSTRUMENTATION = Instrumentation(
    name="pyramid",
    requires="pyramid>=1.10,<3",
    patches=(
        EditResult("pyramid.urldispatch:RoutesMapper.__call__", note_pattern),
        Custom("pyramid.router", apply_fallback),
    ),
    modules=("pyramid",),
)
