"""daphne: every ASGI application it serves, by its command and by Django's `runserver`.

The client's address is the one that it resolved, where it is told of a proxy. It knows no lifespan.
Source: daphne/server.py `Server.__init__`, `Server.create_application` (4.0 to 4.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.web.fallback import serve_asgi
from platform_instrument.web.front import Front

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def observe_application(call: Call, _result: None) -> None:
    """Put the adapter around the application that the server was made for."""
    call.instance.application = serve_asgi(call.instance.application)
    Front.loaded()


INSTRUMENTATION = Instrumentation(
    name="daphne",
    requires="daphne>=4.0,<5",
    patches=(EditResult("daphne.server:Server.__init__", observe_application),),
    modules=("daphne",),
)
