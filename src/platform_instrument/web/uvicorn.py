"""uvicorn: every ASGI or WSGI application it serves, however it is started, and a flush at its end.

The span covers the application inside `ProxyHeadersMiddleware`, so that the client's address is the one it resolved.
After SIGTERM uvicorn drains and re-raises the signal: `atexit` never runs, so the flush follows its `shutdown`.
Source: uvicorn/config.py `Config.load`, uvicorn/server.py `Server.shutdown` (0.20 to 0.54).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.runtime import leaving
from platform_instrument.web.asgi import note_peer
from platform_instrument.web.fallback import serve_asgi, serve_wsgi

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def observe_application(call: Call, _result: None) -> None:
    """Put the adapter around the application that was loaded, inside what uvicorn itself puts around it."""
    config = call.instance
    outermost = config.loaded_app
    proxied = type(outermost).__name__ == "ProxyHeadersMiddleware"
    served = outermost.app if proxied else outermost
    if config.interface == "wsgi":
        served.app = serve_wsgi(served.app)  # uvicorn runs it in a thread that does not inherit the context
    elif proxied:
        outermost.app = serve_asgi(served)
        config.loaded_app = note_peer(outermost)
    else:
        config.loaded_app = serve_asgi(served)


def flush(_call: Call, _result: None) -> None:
    """Let the last spans leave before the signal is raised again; the program may go on too, and serve anew."""
    leaving.flush(last=False)


INSTRUMENTATION = Instrumentation(
    name="uvicorn",
    requires="uvicorn>=0.20,<1",
    patches=(
        EditResult("uvicorn.config:Config.load", observe_application),
        EditResult("uvicorn.server:Server.shutdown", flush),
    ),
    modules=("uvicorn",),
)
