"""waitress: every WSGI application it serves, however it is started.

The span covers the application inside waitress's own middleware for trusted proxies, so that the client's address is the one
that it resolved, and an answer to a malformed header of a proxy is no request of the application's.
Source: waitress/server.py `BaseWSGIServer.__init__` (2.1 to 3.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditCall, EditResult, Instrumentation
from platform_instrument.web.fallback import serve_wsgi
from platform_instrument.web.wsgi import note_peer

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def observe_application(call: Call) -> None:
    """Put the adapter around the application that a server is made for."""
    if len(call.args) > 1:
        call.args = (call.args[0], serve_wsgi(call.args[1]), *call.args[2:])
    else:
        call.kwargs = {**call.kwargs, "application": serve_wsgi(call.kwargs["application"])}


def observe_peer(call: Call, _result: None) -> None:
    """Have the address of the connection noted where the client's own is put in its place."""
    server = call.instance
    if server.application is not call.argument(1, "application"):
        server.application = note_peer(server.application)


INSTRUMENTATION = Instrumentation(
    name="waitress",
    requires="waitress>=2.1,<4",
    patches=(
        EditResult("waitress.server:BaseWSGIServer.__init__", observe_peer),
        EditCall("waitress.server:BaseWSGIServer.__init__", observe_application),
    ),
    modules=("waitress",),
)
