"""uvicorn: every ASGI or WSGI application it serves, however it is started, and a flush at its end.

The span covers the application inside `ProxyHeadersMiddleware`, so that the client's address is the one it resolved.
After SIGTERM uvicorn drains and re-raises the signal: `atexit` never runs, so the flush follows its `shutdown`.
What it answers in place of an application that failed, and the line about that, carry the ids of the request.
Source: uvicorn/config.py `Config.load`, uvicorn/server.py `Server.shutdown`, uvicorn/protocols/http/h11_impl.py
`RequestResponseCycle.send_500_response` (0.20 to 0.54).
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.runtime import leaving
from platform_instrument.web.afterwards import span_of_holder, within
from platform_instrument.web.fallback import serve_asgi, serve_wsgi
from platform_instrument.web.front import Front

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_PROTOCOLS = tuple(f"uvicorn.protocols.http.{name}" for name in ("h11_impl", "httptools_impl", "zttp_impl", "zttp_h2_impl"))


def observe_application(call: Call, _result: None) -> None:
    """Put the adapter around the application that was loaded, inside what uvicorn itself puts around it."""
    config = call.instance
    outermost = config.loaded_app
    if config.interface == "wsgi":
        bridge = outermost.app if type(outermost).__name__ == "ProxyHeadersMiddleware" else outermost
        bridge.app = serve_wsgi(bridge.app)  # uvicorn runs it in a thread that does not inherit the context
    else:
        config.loaded_app = serve_asgi(outermost)
    if config.lifespan == "off":
        Front.loaded()


def cover_answer(name: str, changes: Changes) -> None:
    """Have the answer in place of an application's, and its line, carry the ids of the request."""
    within(changes, sys.modules[name].RequestResponseCycle, "send_500_response", span_of_holder)


def flush(_call: Call, _result: None) -> None:
    """Let the last spans leave before the signal is raised again; the program may go on too, and serve anew."""
    leaving.flush(last=False)


INSTRUMENTATION = Instrumentation(
    name="uvicorn",
    requires="uvicorn>=0.20,<1",
    patches=(
        EditResult("uvicorn.config:Config.load", observe_application),
        EditResult("uvicorn.server:Server.shutdown", flush),
        *(Custom(name, partial(cover_answer, name), optional=True) for name in _PROTOCOLS),
    ),
    modules=("uvicorn",),
)
