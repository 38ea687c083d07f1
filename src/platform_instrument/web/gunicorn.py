"""gunicorn: the WSGI application of the sync, gthread, gevent and eventlet workers, the ASGI application of its own ASGI worker.

Worker classes of others (uvicorn's, aiohttp's) serve what is no WSGI application and are left to those. The master, which
forks, holds no thread and no connection of ours.
Source: gunicorn/workers/base.py `Worker.load_wsgi`, `handle_error`, gunicorn/glogging.py `Logger.access`, gunicorn/arbiter.py
`Arbiter.start` (20.1 to 27.0).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.runtime import leaving
from platform_instrument.telemetry import pipeline, printed
from platform_instrument.web.afterwards import span_of_environ, span_served, within
from platform_instrument.web.fallback import serve_asgi, serve_wsgi
from platform_instrument.web.front import Front

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes
    from platform_instrument.telemetry.span import Span

_WSGI_WORKERS = frozenset(f"gunicorn.workers.{name}" for name in ("sync", "gthread", "base_async", "ggevent", "geventlet"))


def observe_application(call: Call, _result: None) -> None:
    """Put the WSGI adapter around the application that was loaded."""
    worker = call.instance
    if any(kind.__module__ in _WSGI_WORKERS for kind in type(worker).__mro__):
        worker.wsgi = serve_wsgi(worker.wsgi)
    elif not any(kind.__module__.startswith("uvicorn") for kind in type(worker).__mro__):
        Front.loaded()  # one whose server says nothing of its start


def observe_asgi_application(call: Call, _result: None) -> None:
    """Put the ASGI adapter around the application that was loaded."""
    call.instance.asgi = serve_asgi(call.instance.asgi)


def cover_lines(changes: Changes) -> None:
    """Have what its logger says of a request, whatever class that is of, carry the ids of the request."""
    logger = sys.modules["gunicorn.glogging"].Logger
    seen: set[type] = set()

    def made(call: Call) -> None:
        kinds = type(call.instance).__mro__
        for kind in kinds[: kinds.index(logger) + 1]:
            if kind not in seen and "access" in vars(kind):
                within(changes, kind, "access", _accessed)
            seen.add(kind)

    changes.edit(logger, EditCall("gunicorn.glogging:Logger.__init__", made))


def cover_errors(changes: Changes) -> None:
    """Have the answer to an exception that left the application, and its lines, carry the ids of the request."""
    within(changes, sys.modules["gunicorn.workers.base"].Worker, "handle_error", _failed)


def _accessed(_logger: Any, _response: Any, _request: Any, environ: Any = None, *_: object) -> Span | None:  # noqa: ANN401
    return span_of_environ(environ) or span_served()  # the ASGI worker makes an `environ` for its log alone


def _failed(_worker: Any, _request: Any, _client: Any, _address: Any, error: Any = None) -> Span | None:  # noqa: ANN401
    return printed.span_left_by(error)


def serve(_call: Call) -> None:
    """Answer scrapes while the application is loaded, which may take long: the other workers may be gone by then."""
    if pipeline.PIPELINE is not None:
        pipeline.PIPELINE.serve()


def hold(_call: Call) -> None:
    """Leave what was recorded while the application was loaded, before the first fork."""
    leaving.become_master()


INSTRUMENTATION = Instrumentation(
    name="gunicorn",
    requires="gunicorn>=20.1,<28",
    patches=(
        EditCall("gunicorn.workers.base:Worker.load_wsgi", serve),
        EditResult("gunicorn.workers.base:Worker.load_wsgi", observe_application),
        EditResult("gunicorn.workers.gasgi:ASGIWorker.load_wsgi", observe_asgi_application, optional=True),
        EditCall("gunicorn.arbiter:Arbiter.start", hold),
        Custom("gunicorn.glogging", cover_lines, optional=True),
        Custom("gunicorn.workers.base", cover_errors, optional=True),
    ),
    modules=("gunicorn",),
)
