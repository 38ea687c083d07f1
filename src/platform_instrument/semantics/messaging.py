"""What it is called to send a message and to process one, which attributes spans and metrics of that carry.

A span is named by its operation and what the message is about: its destination, or what a library knows better, such as the task
that is called. The destination is in `messaging.destination.name` all the same.
Source: https://opentelemetry.io/docs/specs/semconv/messaging/ (messaging-spans, messaging-metrics, rabbitmq; version 1.37.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import CONSUMER, COUNTER, INTERNAL, PRODUCER, Instrument, Operation

if TYPE_CHECKING:
    from collections.abc import Callable

SEND, PROCESS = "send", "process"

TASK = "celery.task_name"
"""The task that a message of Celery's calls: its queue says little, since one queue is for all of them by default."""

_CONSTANT = (
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.system",
    "messaging.destination.name",
    "server.address",
    "server.port",
    TASK,
)
_VARYING = ("error.type",)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

SENT = Instrument(
    "messaging.client.sent.messages",
    "Number of messages that were handed to the broker, or tried to be.",
    unit="{message}",
    kind=COUNTER,
    constant=_CONSTANT,
    varying=_VARYING,
)
CONSUMED = Instrument(
    "messaging.client.consumed.messages",
    "Number of messages that the application was given.",
    unit="{message}",
    kind=COUNTER,
    constant=_CONSTANT,
    varying=_VARYING,
)
CLIENT_DURATION = Instrument(
    "messaging.client.operation.duration",
    "Duration of what a client of a broker does, such as sending.",
    constant=_CONSTANT,
    varying=_VARYING,
    bounds=_SECONDS,
)
PROCESS_DURATION = Instrument(
    "messaging.process.duration",
    "Duration of the processing of a message by the application.",
    constant=_CONSTANT,
    varying=_VARYING,
    bounds=_SECONDS,
)

COUNTED = {SEND: SENT, PROCESS: CONSUMED}
"""What counts the messages of an operation, by its type."""

SYSTEMS = {
    "amqp": "rabbitmq",
    "azureservicebus": "servicebus",
    "gcpubsub": "gcp_pubsub",
    "sqs": "aws_sqs",
}
"""`messaging.system` by what a library calls a broker, where it is another name."""

_MOST_BROKERS = 1_000
_MOST_OPERATIONS = 2_000
_LONGEST = 256


class Broker:
    """One broker as a client sees it; equal ones are the same object. An absent address is empty, an absent port 0."""

    __slots__ = ("address", "operations", "port", "system")

    def __init__(self, system: str, address: str, port: int) -> None:
        self.system = system
        self.address = address
        self.port = port
        self.operations: dict[Any, Operation] = {}
        """What was done with it, by whatever tells operations apart."""

    def operation(self, key: Any, make: Callable[..., Operation], *arguments: Any) -> Operation:  # noqa: ANN401 - any key
        """Return the operation of a key, made by `make(self, *arguments)` the first time; a full cache starts anew."""
        found = self.operations.get(key)
        if found is None:
            if len(self.operations) >= _MOST_OPERATIONS:
                self.operations.clear()
            found = self.operations[key] = make(self, *arguments)
        return found


_brokers: dict[tuple[str, str, int], Broker] = {}


def broker(system: str, address: str = "", port: int = 0) -> Broker:
    """Return the one object for a broker; `system` is what a library calls it."""
    key = (SYSTEMS.get(system, system), address[:_LONGEST], port)
    found = _brokers.get(key)
    if found is None:
        if len(_brokers) >= _MOST_BROKERS:
            _brokers.clear()
        found = _brokers[key] = Broker(*key)
    return found


def sending(where: Broker, destination: str, subject: str = "", more: dict[str, Any] | None = None) -> Operation:
    """Return the operation of sending to a destination; `subject` is what its spans are named by instead."""
    return _operation(where, (SEND, PRODUCER, CLIENT_DURATION), destination, subject, more)


def processing(where: Broker, destination: str, subject: str = "", more: dict[str, Any] | None = None) -> Operation:
    """Return the operation of processing what was sent to a destination."""
    return _operation(where, (PROCESS, CONSUMER, PROCESS_DURATION), destination, subject, more)


def calling(where: Broker, subject: str, more: dict[str, Any] | None = None) -> Operation:
    """Return the operation of processing what never left the process: a call within it."""
    return _operation(where, (PROCESS, INTERNAL, PROCESS_DURATION), "", subject, more)


def _operation(
    where: Broker, of: tuple[str, int, Instrument], destination: str, subject: str, more: dict[str, Any] | None
) -> Operation:
    name, kind, duration = of
    attributes: dict[str, Any] = {
        "messaging.system": where.system,
        "messaging.operation.name": name,
        "messaging.operation.type": name,
    }
    if destination:
        attributes["messaging.destination.name"] = destination[:_LONGEST]
    if where.address and kind != INTERNAL:
        attributes["server.address"] = where.address
        if where.port:
            attributes["server.port"] = where.port
    return Operation(f"{name} {(subject or destination)[:_LONGEST]}".rstrip(), kind, {**attributes, **(more or {})}, duration)


def routed(where: Broker, exchange: str, routing_key: str) -> tuple[str, dict[str, Any]]:
    """Return `messaging.destination.name` of an exchange and a routing key of AMQP's, and the attributes of its own."""
    parts = [exchange] if exchange else []
    if routing_key and routing_key != exchange:
        parts.append(routing_key)
    own = {"messaging.rabbitmq.destination.routing_key": routing_key} if where.system == "rabbitmq" and routing_key else {}
    return ":".join(parts), own
