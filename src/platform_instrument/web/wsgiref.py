"""wsgiref: the standard library's server, which also is Django's `runserver` and Bottle's default.

Source: wsgiref/simple_server.py `WSGIServer.set_app`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.web.fallback import serve_wsgi

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def observe_application(call: Call, _result: None) -> None:
    """Put the adapter around the application that was set."""
    server = call.instance
    server.application = serve_wsgi(server.application)


INSTRUMENTATION = Instrumentation(
    name="wsgiref",
    requires="python>=3.10,<3.16",
    patches=(EditResult("wsgiref.simple_server:WSGIServer.set_app", observe_application),),
    modules=("wsgiref.simple_server",),
)
