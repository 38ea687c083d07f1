"""Flask: `http.route` from the URL rule that matched.

Read as the request is dispatched: Flask drops its request before the WSGI call returns.
Source: flask/app.py `Flask.dispatch_request` (2.0 to 3.1).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from platform_instrument.core.values import EditCall, Instrumentation
from platform_instrument.web.exchange import KEY

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def note_route(_call: Call) -> None:
    """Note the rule of the request that is being dispatched."""
    request = sys.modules["flask"].request
    exchange = request.environ.get(KEY)
    if exchange is not None and request.url_rule is not None:
        exchange.route = request.url_rule.rule


INSTRUMENTATION = Instrumentation(
    name="flask",
    requires="flask>=2.0",
    patches=(EditCall("flask.app:Flask.dispatch_request", note_route),),
    modules=("flask",),
)
