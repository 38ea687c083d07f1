"""gunicorn: the WSGI application of the sync, gthread, gevent and eventlet workers, the ASGI application of its own ASGI worker.

Worker classes of others (uvicorn's, aiohttp's) serve what is no WSGI application and are left to those. The master, which
forks, holds no thread and no connection of ours.
Source: gunicorn/workers/base.py `Worker.load_wsgi`, gunicorn/arbiter.py `Arbiter.start` (20.1 to 27.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditCall, EditResult, Instrumentation
from platform_instrument.runtime import leaving
from platform_instrument.telemetry import pipeline
from platform_instrument.web.fallback import serve_asgi, serve_wsgi

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_WSGI_WORKERS = frozenset(f"gunicorn.workers.{name}" for name in ("sync", "gthread", "base_async", "ggevent", "geventlet"))


def observe_application(call: Call, _result: None) -> None:
    """Put the WSGI adapter around the application that was loaded."""
    worker = call.instance
    if any(kind.__module__ in _WSGI_WORKERS for kind in type(worker).__mro__):
        worker.wsgi = serve_wsgi(worker.wsgi)


def observe_asgi_application(call: Call, _result: None) -> None:
    """Put the ASGI adapter around the application that was loaded."""
    call.instance.asgi = serve_asgi(call.instance.asgi)


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
    ),
    modules=("gunicorn",),
)
