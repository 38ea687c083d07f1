"""celery_worker: what Celery does for itself is not observed; what a child of its pool recorded leaves with it.

A task whose child was killed, for its time limit, by whoever revoked it or by the system, is told by the worker: a CONSUMER span.
Unobserved: what kombu asks of a Redis broker, in whatever thread: polling, acknowledging, restoring messages; what is kept of a
task, a chord or a group in the result backend. What the application asks of the result backend is observed as any call.
Source: kombu/transport/redis.py, celery/backends, celery/concurrency/prefork.py,
celery/worker/request.py (5.3 to 5.7).
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.engine import apply
from platform_instrument.engine.during import during
from platform_instrument.engine.messages import aside, close, received
from platform_instrument.runtime import leaving
from platform_instrument.semantics.celery import called, details, headers_of
from platform_instrument.semantics.redis import unobserved
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_SCOPE = own_scope("celery")
_LOST = frozenset(("Terminated", "TimeLimitExceeded", "WorkerLostError"))
_KEPT = {
    "celery.backends.base": (("Backend", "store_result"), ("BaseKeyValueStoreBackend", "on_chord_part_return")),
    "celery.backends.redis": (
        ("RedisBackend", "apply_chord"),
        ("RedisBackend", "on_chord_part_return"),
        ("RedisBackend", "set_chord_size"),
    ),
}
"""Methods of result backends, by module and class, that keep something of a task."""


def connected(_call: Call, client: Any) -> None:  # noqa: ANN401 - redis.Redis
    """Leave the commands of a broker's client unobserved."""
    unobserved(client)


def keep_aside(module: str, changes: Changes) -> None:
    """Have what a result backend keeps observed as nothing but the messages that are sent meanwhile."""
    for owner, name in _KEPT[module]:
        during(changes, getattr(sys.modules[module], owner), name, CURRENT, aside)


def hold(_call: Call) -> None:
    """Leave what was recorded while the application was loaded, before the first fork; the worker itself records little."""
    leaving.become_master(for_good=False)


def last(_call: Call, _result: Any) -> None:  # noqa: ANN401 - nothing
    """Let everything leave: the child ends by `os._exit`, after what the application does then."""
    leaving.end()


def lost(call: Call) -> None:
    """Tell of a task that its child cannot tell of any more, where tasks are observed by us."""
    tasks = apply.APPLIED.get("celery")
    if tasks is None or tasks.status != apply.PATCHED:
        return
    request, error = call.instance, call.argument(1, "exc_info").exception
    name = type(getattr(error, "exc", error)).__name__
    began = getattr(request, "time_start", None)
    if name not in _LOST or not began:
        return
    said = {**request.request_dict, "hostname": request.hostname}
    operation, _ = called(request.task, said)
    span = received(operation, details(request.id, said), headers_of(said), _SCOPE, int(began * 1e9))
    revoked = name == "Terminated"
    close(
        span, {"celery.state": "REVOKED"} if revoked else {"celery.state": "FAILURE", "error.type": f"billiard.exceptions.{name}"}
    )


INSTRUMENTATION = Instrumentation(
    name="celery_worker",
    requires="celery>=5.3,<6",
    patches=(
        EditResult("kombu.transport.redis:Channel._create_client", connected, optional=True),
        *[Custom(module, partial(keep_aside, module)) for module in _KEPT],
        EditCall("celery.concurrency.prefork:TaskPool.on_start", hold),
        EditResult("celery.concurrency.prefork:process_destructor", last),
        EditCall("celery.worker.request:Request.on_failure", lost),
    ),
    modules=("celery",),
)
