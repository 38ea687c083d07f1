"""Celery: one PRODUCER span a task that is sent, one CONSUMER span a task that runs; arguments and results never leave.

Sent in whatever way: `apply_async`, a canvas, a retry, beat; what the transport does for it is a detail. Run in every pool, below
the span that it was sent in and linked to it. Called within the process, eagerly: an INTERNAL span.
Span: `send {task}`, `process {task}`. Metrics: those of sending and of processing (`semantics/messaging.py`).
Source: https://opentelemetry.io/docs/specs/semconv/messaging/ (version 1.37.0); kombu/messaging.py, celery/app/trace.py
(5.3 to 5.7); `celery.*` as opentelemetry-instrumentation-celery has them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from platform_instrument.core import families
from platform_instrument.core.guard import ask
from platform_instrument.core.values import UNSEEN, Custom, EditResult, Instrumentation, Observe
from platform_instrument.engine.messages import DETAILS, Handling, failed, handled, received, refused, sent
from platform_instrument.semantics import celery as tasks
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracer import start

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Attributes, Call, Changes, Operation
    from platform_instrument.telemetry.span import Span

_SCOPE = own_scope("celery")
_handled: WeakSet[Callable[..., Any]] = WeakSet()
"""What runs tasks under observation: a module may have taken `build_tracer` before us, or ours."""


class _Tasks:
    """Whether tasks are observed: what runs them is kept by each of them."""

    observed = False


def send(call: Call) -> tuple[Operation, Attributes] | None:
    """Return the task that a message calls; other messages, such as a worker's events, pass."""
    task = tasks.task_of(call.kwargs.get("headers")) or tasks.task_of(call.argument(1, "body"))
    return tasks.sent_as(call.args[0], task, call.kwargs) if task is not None else None


def carrier(call: Call) -> tasks.Carried | None:
    """Return the headers that the context is put into; those with a context of the application's are left alone."""
    call.span.families |= DETAILS
    headers = tasks.without_ours(call.kwargs.get("headers") or {})
    if "traceparent" in headers:
        return None
    carried = tasks.Carried(headers)
    call.kwargs = {**call.kwargs, "headers": carried}
    return carried


def built(call: Call, runs: Any) -> Any:  # noqa: ANN401 - what runs a task, of Celery's
    """Return what runs a task under observation."""
    if runs in _handled:
        return runs
    task = call.argument(1, "task")
    observed = handled(runs, Handling("celery task", partial(run, task), partial(ran, task), partial(ended, task)))
    _handled.add(observed)
    return observed


def run(task: Any, call: Call) -> Span | None:  # noqa: ANN401 - celery.Task
    """Begin a task: below whoever sent it, or, where it is called within the process, whoever calls it."""
    if not _Tasks.observed:
        return None
    uuid, request = call.argument(0, "uuid"), call.argument(3, "request") or {}
    operation, within = tasks.called(task, request)
    attributes = tasks.details(uuid, request)
    if within:
        return start(operation.name, operation.kind, operation, attributes, _SCOPE, CURRENT.get(), 0)
    span = received(operation, attributes, tasks.headers_of(request), _SCOPE)
    call.put(3, "request", tasks.own_of(request))
    return span


def ran(task: Any, call: Call, result: Any) -> Any:  # noqa: ANN401 - celery.Task and celery.app.trace.trace_ok_t
    """Take what ran a task as its word on how it ended."""
    info = result[1]
    return ended(task, call, info.retval, str(info.state)) if info is not None else {"celery.state": "SUCCESS"}


def ended(task: Any, call: Call, error: BaseException, state: str = "") -> Any:  # noqa: ANN401 - as above
    """Say how a task ended; what it is expected to raise, a retry and a rejection are no errors."""
    if isinstance(error, SystemExit) and tasks.told_to_end():
        return UNSEEN
    answered = {"celery.state": state or tasks.state_of(error)}
    if answered["celery.state"] == "RETRY":
        call.span.set_attribute("celery.retry.reason", ask("the text of an exception", str, error))
    elif answered["celery.state"] == "FAILURE" and not isinstance(error, tuple(task.throws or ())):
        answered.update(failed(call, error))
    return answered


def observe(changes: Changes) -> None:
    """Have tasks observed from now on."""
    _Tasks.observed = True
    changes.on_undo(partial(setattr, _Tasks, "observed", False))  # noqa: FBT003 - of an attribute


INSTRUMENTATION = Instrumentation(
    name="celery",
    requires="celery>=5.3,<6",
    patches=(
        Observe("kombu.messaging:Producer.publish", send, sent, refused, carrier),
        Custom("celery.app.trace", observe),
        EditResult("celery.app.trace:build_tracer", built),
        EditResult("celery.worker.consumer.consumer:build_tracer", built),
    ),
    family=families.MESSAGING,
    modules=("celery",),
)
