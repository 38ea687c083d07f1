"""granian: the ASGI and WSGI applications of its workers, in processes and in threads, and of an embedded server.

The application is taken where a worker puts it to use: what loads it is pickled on its way to workers that are spawned.
Workers in processes are children of multiprocessing, which flush as those do; the process that forks them holds no thread
and no connection of ours.
Source: granian/server/mp.py, mt.py, embed.py (2.5 to 2.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditCall, Instrumentation
from platform_instrument.runtime import leaving
from platform_instrument.web.fallback import serve_asgi, serve_wsgi

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def observe_application(call: Call) -> None:
    """Put the ASGI adapter around the application that a worker is about to call."""
    call.args = (serve_asgi(call.args[0]), *call.args[1:])


def observe_lifespan(call: Call) -> None:
    """Have its lifespan pass the adapter, too."""
    call.args = (call.args[0], serve_asgi(call.args[1]), *call.args[2:])


def observe_wsgi_application(call: Call) -> None:
    """Put the WSGI adapter around the application that a worker is about to call."""
    call.args = (serve_wsgi(call.args[0]), *call.args[1:])


def hold(_call: Call) -> None:
    """Leave what was recorded before the first fork."""
    leaving.become_master()


INSTRUMENTATION = Instrumentation(
    name="granian",
    requires="granian>=2.5,<3",
    patches=(
        EditCall("granian.asgi:LifespanProtocol.__init__", observe_lifespan),
        EditCall("granian.server.mp:_asgi_call_wrap", observe_application),
        EditCall("granian.server.mp:_wsgi_call_wrap", observe_wsgi_application),
        EditCall("granian.server.mp:MPServer.startup", hold),
        EditCall("granian.server.mt:_asgi_call_wrap", observe_application, optional=True),
        EditCall("granian.server.mt:_wsgi_call_wrap", observe_wsgi_application, optional=True),
        EditCall("granian.server.embed:_asgi_call_wrap", observe_application, optional=True),
    ),
    modules=("granian",),
)
