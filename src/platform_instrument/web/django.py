"""Django: `http.route` from the URL pattern that matched.

Source: django/core/handlers/base.py `BaseHandler.resolve_request` (3.2 to 6.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.web.exchange import KEY

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def note_route(call: Call, match: Any) -> None:  # noqa: ANN401 - django.urls.ResolverMatch
    """Note the pattern; Django writes it without the leading slash."""
    request = call.argument(1, "request")
    carrier = getattr(request, "scope", None) or request.META
    exchange = carrier.get(KEY)
    if exchange is not None and match.route is not None:
        exchange.route = "/" + match.route.lstrip("^/")


INSTRUMENTATION = Instrumentation(
    name="django",
    requires="django>=3.2",
    patches=(EditResult("django.core.handlers.base:BaseHandler.resolve_request", note_route),),
    modules=("django",),
)
