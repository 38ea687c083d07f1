"""server_ends: what an orderly end has to know of servers that do not drain, or not in time, or not in the right order; no span.

uvicorn raises the signal again from inside its event loop, and aiohttp cancels the tasks of its own, so what has to be closed
in those is closed before. daphne kills its applications, gunicorn a worker after its own time. Servers of the standard library
(werkzeug's, wsgiref's, `http.server`) and waitress die at once: they stop accepting, and end when what they have is answered.
Those of gRPC are stopped gracefully.
Source: uvicorn/server.py `capture_signals` (0.29 to 0.54), aiohttp/web.py `run_app` (3.9 to 3.14), gunicorn/arbiter.py `stop`
(20.1 to 27.0), socketserver.py `serve_forever`, waitress/server.py `readable` (2.0 to 3.0), daphne/server.py
`kill_all_applications` (4.0 to 4.2), grpc/_server.py `_Server.stop`, grpc/aio/_server.py (1.50 to 1.85).
"""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.runtime import leaving
from platform_instrument.runtime.ending import calls, servers
from platform_instrument.runtime.ending.conductor import CONDUCTOR
from platform_instrument.telemetry.threads import pause
from platform_instrument.web import active

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call, Changes

_with_traceback = BaseException.with_traceback
_REFUSED = 0.05
"""Seconds between two looks at a socket that accepts nothing more."""

_standard: WeakSet[Any] = WeakSet()
_waitress: WeakSet[Any] = WeakSet()
_grpc: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""Servers by which they are known, with the event loop of those that have one."""


# --- uvicorn, aiohttp ----------------------------------------------------------------------------------------------------------


def end_uvicorn(changes: Changes) -> None:
    """Have the process end, but for its death, inside the event loop."""
    server = sys.modules["uvicorn.server"].Server
    changes.replace(server, "shutdown", _ending(server.shutdown))


def end_aiohttp(changes: Changes) -> None:
    """Have it end there too: its tasks are cancelled next, those of pools among them."""
    web = sys.modules["aiohttp.web"]
    changes.replace(web, "_run_app", _ending(web._run_app))  # noqa: SLF001 - what `run_app` runs in its loop


@unseen
def _ending(function: Callable[..., Any]) -> Callable[..., Any]:
    async def ends(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        try:
            return await function(*args, **kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        finally:
            budget = CONDUCTOR.budget
            if budget is not None and CONDUCTOR.told:
                await calls.beside_the_loop("the end", leaving.end, budget.flush + budget.close)

    return dressed(ends, function)


# --- daphne -----------------------------------------------------------------------------------------------------------


def end_daphne(changes: Changes) -> None:
    """Have it kill its applications when they have answered, and accept nothing more meanwhile."""
    server = sys.modules["daphne.server"].Server
    changes.replace(server, "kill_all_applications", _after_the_requests(server.kill_all_applications))


def _after_the_requests(kill: Callable[..., Any]) -> Callable[..., Any]:
    def kills(self: Any) -> Any:  # noqa: ANN401 - a deferred of Twisted's, which its reactor waits for
        waiting = guard("the end of daphne", _answered) if CONDUCTOR.told else None
        return kill(self) if waiting is None else waiting.addCallback(lambda _: kill(self))

    return dressed(kills, kill)


def _answered() -> Any:  # noqa: ANN401 - as above
    """Stop listening; return what fires when no request is open."""
    reactor: Any = sys.modules["twisted.internet.reactor"]
    done: Any = sys.modules["twisted.internet.defer"].Deferred()
    for reader in reactor.getReaders():
        if hasattr(reader, "stopListening"):
            reader.stopListening()

    def look() -> None:
        if active.open_requests():
            reactor.callLater(_REFUSED, look)
        else:
            done.callback(None)

    look()
    return done


# --- gunicorn ---------------------------------------------------------------------------------------------------------


def note_limit(call: Call) -> None:
    """Remember after which time the master kills this worker."""
    if CONDUCTOR.budget is not None:
        CONDUCTOR.budget.killed_after = float(call.instance.cfg.graceful_timeout)


# --- servers of the standard library ----------------------------------------------------------------------------------


def note_standard(call: Call) -> None:
    """Remember a server that is about to serve."""
    _standard.add(call.instance)


def stop_standard() -> None:
    """Have them accept nothing more: new connections are refused, and the loop of the server finds none."""
    for server in tuple(_standard):
        server.get_request = _refuse
        if isinstance(getattr(server, "socket", None), socket.socket):
            with contextlib.suppress(OSError):  # one that is closed
                server.socket.shutdown(socket.SHUT_RDWR)


def _refuse() -> None:
    pause(_REFUSED)
    raise OSError("the process ends")  # noqa: TRY003, EM101 - what `accept` would raise


# --- waitress ---------------------------------------------------------------------------------------------------------


def note_waitress(call: Call, _result: None) -> None:
    """Remember a server."""
    _waitress.add(call.instance)


def stop_waitress() -> None:
    """Have them look for no more connections."""
    for server in tuple(_waitress):
        server.accepting = False


# --- gRPC -------------------------------------------------------------------------------------------------------------


def note_grpc(call: Call, _result: Any = None) -> None:  # noqa: ANN401 - what `start` returns
    """Remember a server that has started, with its event loop where it has one."""
    _grpc[call.instance] = getattr(call.instance, "_loop", None)


def stop_grpc(seconds: float) -> None:
    """Stop them gracefully, all at the same time."""
    asyncio: Any = sys.modules.get("asyncio")
    waits: list[Callable[[], object]] = []
    for server, loop in tuple(_grpc.items()):
        if loop is None:
            waits.append(server.stop(seconds).wait)
        elif loop.is_running():
            waits.append(asyncio.run_coroutine_threadsafe(server.stop(seconds), loop).result)
    for wait in waits:
        wait()


def tell(changes: Changes) -> None:
    """Tell the conductor what it has to call."""
    servers.OPEN_REQUESTS.append(active.open_requests)
    servers.STOP_ACCEPTING.extend((stop_standard, stop_waitress))
    servers.STOP.append(stop_grpc)
    changes.on_undo(servers.forget)


INSTRUMENTATION = Instrumentation(
    name="server_ends",
    requires="python>=3.10,<3.16",
    patches=(
        Custom("signal", tell),
        Custom("uvicorn.server", end_uvicorn, optional=True),
        Custom("aiohttp.web", end_aiohttp, optional=True),
        Custom("daphne.server", end_daphne, optional=True),
        EditCall("gunicorn.workers.base:Worker.init_process", note_limit, optional=True),
        EditCall("socketserver:BaseServer.serve_forever", note_standard, optional=True),
        EditResult("waitress.server:BaseWSGIServer.__init__", note_waitress, optional=True),
        EditResult("grpc._server:_Server.start", note_grpc, optional=True),
        EditResult("grpc.aio._server:Server.start", note_grpc, optional=True),
    ),
    modules=("signal",),
    settings=("shutdown",),
)
