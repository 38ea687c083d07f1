"""Falcon, WSGI and ASGI: `http.route` as the URI template that matched, and the exception behind an answer of 500.

Source: falcon/app.py `App._get_responder`, `App._python_error_handler`, falcon/asgi/app.py (3.0 to 4.4).
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


def note_template(call: Call, found: Any) -> None:  # noqa: ANN401 - responder, parameters, resource, template
    """Note the template of the route that was found; a sink has none."""
    if found[3] is not None:
        note_route(_carrier(call.argument(1, "req")), found[3])


def note_exception(call: Call) -> None:
    """Record what no handler of the application takes, before Falcon turns it into an answer."""
    exchange = served(_carrier(call.argument(1, "req")))
    if exchange is not None:
        exchange.fail(call.argument(3, "error"))


def _carrier(request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - falcon.Request or falcon.asgi.Request
    """Return `scope` or `environ`."""
    carrier: Mapping[str, Any] = getattr(request, "scope", None) or request.env
    return carrier


def apply_wsgi_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_wsgi(changes, sys.modules["falcon.app"].App)


def apply_asgi_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_asgi(changes, sys.modules["falcon.asgi.app"].App)


INSTRUMENTATION = Instrumentation(
    name="falcon",
    requires="falcon>=3.0,<5",
    patches=(
        EditResult("falcon.app:App._get_responder", note_template),
        EditCall("falcon.app:App._python_error_handler", note_exception),
        EditCall("falcon.asgi.app:App._python_error_handler", note_exception),
        Custom("falcon.app", apply_wsgi_fallback),
        Custom("falcon.asgi.app", apply_asgi_fallback),
    ),
    modules=("falcon",),
)
