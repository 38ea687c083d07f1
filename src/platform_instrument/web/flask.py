"""Flask: `http.route` from the URL rule that matched, and the exception behind an answer of 500.

Read as the request is dispatched: Flask drops its request before the WSGI call returns.
Source: flask/app.py `Flask.dispatch_request`, `Flask.handle_exception` (2.0 to 3.1).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.web.exchange import served
from platform_instrument.web.fallback import claim_wsgi
from platform_instrument.web.wsgi import note_route

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes


def note_rule(_call: Call) -> None:
    """Note the rule of the request that is being dispatched."""
    request = sys.modules["flask"].request
    if request.url_rule is not None:
        note_route(request.environ, request.url_rule.rule)


def note_exception(call: Call) -> None:
    """Record what no handler of the application takes, before Flask turns it into an answer."""
    exchange = served(sys.modules["flask"].request.environ)
    if exchange is not None:
        exchange.fail(call.argument(1, "e"))


def apply_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_wsgi(changes, sys.modules["flask.app"].Flask)


INSTRUMENTATION = Instrumentation(
    name="flask",
    requires="flask>=2.0,<4",
    patches=(
        EditCall("flask.app:Flask.dispatch_request", note_rule),
        EditCall("flask.app:Flask.handle_exception", note_exception),
        Custom("flask.app", apply_fallback),
    ),
    modules=("flask",),
)
