"""hypercorn: every ASGI or WSGI application it serves, over HTTP/1, HTTP/2 and HTTP/3, however it is started.

Its workers are children of multiprocessing, which flush as those do.
Source: hypercorn/app_wrappers.py `ASGIWrapper`, `WSGIWrapper` (0.17 to 0.18).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.web.fallback import serve_asgi, serve_wsgi

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def observe_asgi_application(call: Call, _result: None) -> None:
    """Put the ASGI adapter around the application that was loaded."""
    call.instance.app = serve_asgi(call.instance.app)


def observe_wsgi_application(call: Call, _result: None) -> None:
    """Put the WSGI adapter around the application that was loaded; its body has been read whole by then."""
    call.instance.app = serve_wsgi(call.instance.app)


INSTRUMENTATION = Instrumentation(
    name="hypercorn",
    requires="hypercorn>=0.17,<1",
    patches=(
        EditResult("hypercorn.app_wrappers:ASGIWrapper.__init__", observe_asgi_application),
        EditResult("hypercorn.app_wrappers:WSGIWrapper.__init__", observe_wsgi_application),
    ),
    modules=("hypercorn",),
)
