"""Bottle: `http.route` as the rule that matched, and the exception behind an answer of 500.

Source: bottle.py `Router.match`, `Bottle._cast`, which turns what a handler returned or raised into a body (0.12 to 0.13).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.web.exchange import SERVER_ERROR, served
from platform_instrument.web.fallback import claim_wsgi
from platform_instrument.web.wsgi import note_route

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes


def note_rule(call: Call, found: Any) -> None:  # noqa: ANN401 - a bottle.Route and its arguments
    """Note the rule of the route that was found."""
    rule = getattr(found[0], "rule", None)
    if rule is not None:
        note_route(call.argument(1, "environ"), rule)


def note_exception(call: Call) -> None:
    """Record what no handler of the application takes, before Bottle turns it into an answer."""
    answer = call.argument(1, "out")
    error = getattr(answer, "exception", None)
    if isinstance(error, BaseException) and answer.status_code >= SERVER_ERROR:
        exchange = served(sys.modules["bottle"].request.environ)
        if exchange is not None:
            exchange.fail(error)


def apply_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_wsgi(changes, sys.modules["bottle"].Bottle)


INSTRUMENTATION = Instrumentation(
    name="bottle",
    requires="bottle>=0.12,<0.14",
    patches=(
        EditResult("bottle:Router.match", note_rule),
        EditCall("bottle:Bottle._cast", note_exception),
        Custom("bottle", apply_fallback),
    ),
    modules=("bottle",),
)
