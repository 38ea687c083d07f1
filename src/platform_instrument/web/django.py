"""Django: `http.route` from the URL pattern that matched, and the exception behind an answer of 500.

Source: django/core/handlers/base.py `BaseHandler.resolve_request`, django/core/handlers/exception.py
`handle_uncaught_exception` (3.2 to 6.1).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.web.exchange import served
from platform_instrument.web.fallback import claim_asgi, claim_wsgi
from platform_instrument.web.wsgi import note_route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.core.values import Call, Changes


def note_pattern(call: Call, match: Any) -> None:  # noqa: ANN401 - django.urls.ResolverMatch
    """Note the pattern; Django writes it without the leading slash."""
    if match.route is not None:
        note_route(_carrier(call.argument(1, "request")), "/" + match.route.lstrip("^/"))


def note_exception(call: Call) -> None:
    """Record what no middleware takes, before Django turns it into an answer."""
    exchange = served(_carrier(call.argument(0, "request")))
    if exchange is not None:
        exchange.fail(call.argument(2, "exc_info")[1])


def _carrier(request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - django.http.HttpRequest
    """Return `scope` or `environ`."""
    carrier: Mapping[str, Any] = getattr(request, "scope", None) or request.META
    return carrier


def apply_wsgi_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_wsgi(changes, sys.modules["django.core.handlers.wsgi"].WSGIHandler)


def apply_asgi_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_asgi(changes, sys.modules["django.core.handlers.asgi"].ASGIHandler)


INSTRUMENTATION = Instrumentation(
    name="django",
    requires="django>=3.2,<6.2",
    patches=(
        EditResult("django.core.handlers.base:BaseHandler.resolve_request", note_pattern),
        EditCall("django.core.handlers.exception:handle_uncaught_exception", note_exception),
        Custom("django.core.handlers.wsgi", apply_wsgi_fallback),
        Custom("django.core.handlers.asgi", apply_asgi_fallback),
    ),
    modules=("django",),
)
