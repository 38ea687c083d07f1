"""What sending and running a task of Celery's is called, where it goes, and which headers of a message are ours.

`celery.*` are the names of opentelemetry-instrumentation-celery, which has no names of the conventions for them.
Source: https://docs.celeryq.dev/en/stable/internals/protocol.html; celery/app/amqp.py, celery/app/trace.py (5.3 to 5.7);
kombu/connection.py (5.3 to 5.7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import modules
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from platform_instrument.semantics.messaging import PROCESS, SEND, TASK, Broker, broker, calling, processing, routed, sending

if TYPE_CHECKING:
    from platform_instrument.core.values import Operation

MARK = "platform_instrument"
"""The header of a message that names those of its headers that carry context and are none of the application's."""

_ACTION = "celery.action"
_SAID = {"Ignore": "IGNORED", "Reject": "REJECTED", "Retry": "RETRY"}
_SHOWN = ("eta", "expires")
_NOWHERE = broker("celery")
"""What an eager task is sent through."""

_brokers: WeakKeyDictionary[Any, Broker] = WeakKeyDictionary()
"""By application: where its workers take tasks from."""


class Carried(dict[str, Any]):
    """The headers of a message, into which context is put: what is the application's stays, what is put beside it is named."""

    def __setitem__(self, name: str, value: Any) -> None:  # noqa: ANN401 - a header
        """Put a header, unless the application has it."""
        if name not in self:
            super().__setitem__(MARK, f"{self[MARK]},{name}" if MARK in self else name)
            super().__setitem__(name, value)


def without_ours(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the headers of a message without those that we have put there."""
    mark = headers.get(MARK)
    if not isinstance(mark, str):
        return dict(headers)
    names = {MARK, *mark.split(",")}
    return {name: value for name, value in headers.items() if name not in names}


def headers_of(request: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return what reads the headers of a message that a request was made of, None where there is none of a name."""
    nested = request.get("headers") or {}
    return lambda name: request.get(name) or nested.get(name)


def own_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request without what we have put into its message."""
    own = without_ours(request)
    if own.get("headers"):
        own["headers"] = without_ours(own["headers"])
    return own


def task_of(message: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 - headers, or a body of protocol 1
    """Return what says which task is called, None where it says nothing of one."""
    return message if isinstance(message, Mapping) and "task" in message and "id" in message else None


def broker_of(connection: Any) -> Broker:  # noqa: ANN401 - kombu.Connection
    """Return the broker of a connection; the address of one that has no port may be anything, such as a secret."""
    transport = connection.get_transport_cls()
    port, address = connection.port or transport.default_port, connection.hostname
    if not port or not address or "/" in address or "@" in address:
        return broker(transport.driver_type)
    return broker(transport.driver_type, address, int(port))


def sent_as(producer: Any, task: Mapping[str, Any], kwargs: Mapping[str, Any]) -> tuple[Operation, dict[str, Any]]:  # noqa: ANN401
    """Return the operation and the attributes of a task that is sent by a producer of kombu's, with these arguments."""
    exchange, routing_key = kwargs.get("exchange") or "", kwargs.get("routing_key") or ""
    exchange = exchange if isinstance(exchange, str) else exchange.name
    name = str(task["task"])
    where = broker_of(producer.connection)
    operation = where.operation((SEND, name, exchange, routing_key), _sent, name, exchange, routing_key)
    return operation, details(task["id"], {**task, "correlation_id": kwargs.get("correlation_id")})


def _sent(where: Broker, name: str, exchange: str, routing_key: str) -> Operation:
    destination, own = routed(where, exchange, routing_key)
    return sending(where, destination, name, {**own, TASK: name, _ACTION: "apply_async"})


def called(task: Any, request: Mapping[str, Any]) -> tuple[Operation, bool]:  # noqa: ANN401 - celery.Task
    """Return the operation of a task that runs, and whether it is called within the process."""
    name = task.name
    if request.get("is_eager"):
        return _NOWHERE.operation((PROCESS, name), _called, name), True
    app = task.app
    where = _brokers.get(app)
    if where is None:
        where = _brokers[app] = broker_of(app.connection_for_read())
    delivery = request.get("delivery_info") or {}
    exchange, routing_key = delivery.get("exchange") or "", delivery.get("routing_key") or ""
    return where.operation((PROCESS, name, exchange, routing_key), _run, name, exchange, routing_key), False


def _called(where: Broker, name: str) -> Operation:
    return calling(where, name, {TASK: name, _ACTION: "run"})


def _run(where: Broker, name: str, exchange: str, routing_key: str) -> Operation:
    destination, own = routed(where, exchange, routing_key)
    return processing(where, destination, name, {**own, TASK: name, _ACTION: "run"})


def details(task_id: Any, said: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - a text, mostly
    """Return the attributes of one task, from what its message says of it."""
    attributes: dict[str, Any] = {"messaging.message.id": str(task_id)}
    conversation, hostname, retries = said.get("correlation_id"), said.get("hostname"), said.get("retries")
    if conversation:
        attributes["messaging.message.conversation_id"] = str(conversation)
    if hostname:
        attributes["celery.hostname"] = str(hostname)
    if retries:
        attributes["celery.retries"] = int(retries)
    for name in _SHOWN:
        if said.get(name):
            attributes[f"celery.{name}"] = str(said[name])
    limits = said.get("timelimit")
    if isinstance(limits, (list, tuple)) and any(limits):
        attributes["celery.timelimit"] = tuple(["" if limit is None else str(limit) for limit in limits])
    return attributes


def told_to_end() -> bool:
    """Say whether this process is a child of a pool that its worker is about to kill; that one knows why, and says so."""
    common = modules.get("billiard.common")
    return common is not None and bool(common._should_have_exited[0])  # noqa: SLF001 - from 4.0 on


def state_of(error: BaseException) -> str:
    """Return the state of a task that an exception left; some are no failures but what a task says to Celery."""
    names = [kind.__name__ for kind in type(error).__mro__]
    said = next((_SAID[name] for name in names if name in _SAID), "") if "TaskPredicate" in names else ""
    return said or "FAILURE"
