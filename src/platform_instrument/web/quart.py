"""Quart: `http.route` from the URL rule that matched, and the exception behind an answer of 500; of websockets, too.

Source: quart/app.py `Quart.dispatch_request`, `Quart.handle_exception`, `Quart.dispatch_websocket` (0.18 to 0.23).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.web.exchange import served
from platform_instrument.web.fallback import claim_asgi
from platform_instrument.web.wsgi import note_route

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes


def note_rule(_call: Call) -> None:
    """Note the rule of the request that is being dispatched."""
    _note(sys.modules["quart"].request)


def note_rule_of_websocket(_call: Call) -> None:
    """Note the rule of the websocket that is being dispatched."""
    _note(sys.modules["quart"].websocket)


def _note(connection: Any) -> None:  # noqa: ANN401 - quart.Request or quart.Websocket
    if connection.url_rule is not None:
        note_route(connection.scope, connection.url_rule.rule)


def note_exception(call: Call) -> None:
    """Record what no handler of the application takes, before Quart turns it into an answer."""
    _fail(sys.modules["quart"].request, call)


def note_exception_of_websocket(call: Call) -> None:
    """Record the same of a websocket, before Quart closes it."""
    _fail(sys.modules["quart"].websocket, call)


def _fail(connection: Any, call: Call) -> None:  # noqa: ANN401 - as above
    """Record the exception that is the last argument: the first one until 0.22, the one behind the context from then on."""
    exchange = served(connection.scope)
    if exchange is not None:
        exchange.fail(call.kwargs["error"] if "error" in call.kwargs else call.args[-1])


def apply_fallback(changes: Changes) -> None:
    """Observe applications that no known server serves."""
    claim_asgi(changes, sys.modules["quart.app"].Quart)


INSTRUMENTATION = Instrumentation(
    name="quart",
    requires="quart>=0.18,<1",
    patches=(
        EditCall("quart.app:Quart.dispatch_request", note_rule),
        EditCall("quart.app:Quart.dispatch_websocket", note_rule_of_websocket),
        EditCall("quart.app:Quart.handle_exception", note_exception),
        EditCall("quart.app:Quart.handle_websocket_exception", note_exception_of_websocket),
        Custom("quart.app", apply_fallback),
    ),
    modules=("quart",),
)
