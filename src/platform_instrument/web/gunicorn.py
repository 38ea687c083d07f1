"""gunicorn: the WSGI application of the sync, gthread and gevent workers, the ASGI application of its own ASGI worker.

uvicorn's worker class is left to uvicorn. A worker leaves through `init_process`, whose end is the last chance to flush.
Source: gunicorn/workers/base.py `Worker.load_wsgi`, `Worker.init_process` (20.1 to 27.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.wsgi import observe_wsgi

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def observe_application(call: Call, _result: None) -> None:
    """Put the WSGI adapter around the application that was loaded."""
    worker = call.instance
    if not any(kind.__module__.startswith(("uvicorn", "uvicorn_worker")) for kind in type(worker).__mro__):
        worker.wsgi = observe_wsgi(worker.wsgi)


def observe_asgi_application(call: Call, _result: None) -> None:
    """Put the ASGI adapter around the application that was loaded."""
    call.instance.asgi = observe_asgi(call.instance.asgi)


INSTRUMENTATION = Instrumentation(
    name="gunicorn",
    requires="gunicorn>=20.1",
    patches=(
        EditResult("gunicorn.workers.base:Worker.load_wsgi", observe_application),
        EditResult("gunicorn.workers.gasgi:ASGIWorker.load_wsgi", observe_asgi_application, optional=True),
    ),
    modules=("gunicorn",),
)
