"""wsgiref: the standard library's server, which also is Django's `runserver` and Bottle's default.

Its line about a request, which it prints as the request closes, carries the ids of that.
Source: wsgiref/simple_server.py `WSGIServer.set_app`, `ServerHandler.close`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.web.afterwards import span_of_holder, within
from platform_instrument.web.fallback import serve_wsgi

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes


def observe_application(call: Call, _result: None) -> None:
    """Put the adapter around the application that was set."""
    server = call.instance
    server.application = serve_wsgi(server.application)


def cover_lines(changes: Changes) -> None:
    """Have the line about a request carry its ids."""
    within(changes, sys.modules["wsgiref.simple_server"].ServerHandler, "close", span_of_holder)


INSTRUMENTATION = Instrumentation(
    name="wsgiref",
    requires="python>=3.10,<3.16",
    patches=(
        EditResult("wsgiref.simple_server:WSGIServer.set_app", observe_application),
        Custom("wsgiref.simple_server", cover_lines),
    ),
    modules=("wsgiref.simple_server",),
)
