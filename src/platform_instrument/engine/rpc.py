"""What the instrumentations of gRPC share: the methods of a place, one call on its way, its messages and its end.

Serializers and deserializers are called for each message, so they know its true size; ours stand for those of the application.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.semantics import rpc as semantics
from platform_instrument.semantics.rpc import CANCELLED, OK, REQUESTS, RESPONSES, client_operation, outcome, server_operation
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.limits import name as bounded
from platform_instrument.telemetry.metrics.registry import METRICS, cell_of
from platform_instrument.telemetry.span import ERROR

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings
    from platform_instrument.core.values import Instrument, Operation
    from platform_instrument.telemetry.span import Span

PLACE = "grpc call"
_MOST_METHODS = 2_000
_MOST_CHANNELS = 4_096
_MOST_OUTCOMES = 64
_with_traceback = BaseException.with_traceback


class Method:
    """A method, of the servers that a channel leads to or of this process; its calls have one operation."""

    __slots__ = ("_outcomes", "host", "ok", "ok_duration", "operation", "received", "sent", "unseen")

    def __init__(self, operation: Operation, host: str | None, sent: Instrument, received: Instrument) -> None:
        self.operation = operation
        self.ok = outcome(operation, OK)
        self.ok_duration = cell_of(self.ok, operation.duration, None) if operation.duration is not None else None
        self._outcomes: dict[tuple[int | None, str], Operation] = {}
        self.host = host
        """Whom the metadata goes to; None within the machine."""
        self.sent = _cell(sent, operation)
        self.received = _cell(received, operation)
        current = pipeline.PIPELINE
        service = operation.attributes["rpc.service"]
        self.unseen = current is not None and service in current.settings.python_grpc_excluded_services
        """Its calls are counted, and leave no span."""

    def outcome(self, code: int | None, error: str = "") -> Operation:
        """Return what a call is that ended with a code, or an error; of too many errors the code alone."""
        found = self._outcomes.get((code, error))
        if found is None:
            if len(self._outcomes) >= _MOST_OUTCOMES and error:
                return self.outcome(code)
            found = self._outcomes[code, error] = outcome(self.operation, code, error)
        return found


class Methods:
    """The methods of one place; `target` is a channel's, None for those that this process serves."""

    __slots__ = ("_methods", "_settings", "_target")

    def __init__(self, target: str | None = None) -> None:
        self._target = target
        self._methods: dict[str | bytes, Method] = {}
        self._settings: Settings | None = None

    def get(self, name: str | bytes) -> Method:
        """Return a method by its full name, such as `/shop.Orders/Get`."""
        current = pipeline.PIPELINE
        if current is not None and current.settings is not self._settings:
            self._settings = current.settings
            self._methods.clear()
        return self._methods.get(name) or self._new(name)

    def _new(self, name: str | bytes) -> Method:
        text = name if isinstance(name, str) else name.decode("utf-8", "replace")
        if self._target is None:
            made = Method(server_operation(text), None, semantics.SERVER_RESPONSE_SIZE, semantics.SERVER_REQUEST_SIZE)
        else:
            address, port = semantics.place_of(self._target)
            host = None if self._target.startswith("unix") else address
            operation = client_operation(text, address, port)
            made = Method(operation, host, semantics.CLIENT_REQUEST_SIZE, semantics.CLIENT_RESPONSE_SIZE)
        if len(self._methods) >= _MOST_METHODS:
            self._methods.clear()
        self._methods[name] = made
        return made


class Targets:
    """Where channels lead to, by the objects of the library's core that calls know: those hold no attribute of ours.

    An object's id is told anew with each channel, so that one in use never stands for another that is gone.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, Methods] = {}

    def note(self, core: Any, target: Any) -> None:  # noqa: ANN401 - a channel of the library's core
        """Note a channel that is made now."""
        self._known.pop(id(core), None)
        if len(self._known) >= _MOST_CHANNELS:
            self._known.pop(next(iter(self._known)), None)
        self._known[id(core)] = Methods(str(target))

    def method(self, core: Any, name: bytes) -> Method:  # noqa: ANN401 - as above
        """Return a method behind a channel."""
        return (self._known.get(id(core)) or _SOMEWHERE).get(name)


_SOMEWHERE = Methods("")
"""The methods behind a channel that was made before we came, or long ago."""


def _cell(instrument: Instrument, operation: Operation) -> Any:  # noqa: ANN401 - a cell of a histogram
    constant = operation.attributes
    return METRICS.metric(instrument).cell(tuple([(name, constant[name]) for name in instrument.constant if name in constant]))


class Rpc:
    """One call on its way; ended once, by whoever learns first that it is over, or when nobody holds it any more.

    Most of it is as the class has it, until there is something to say: a call is set up as often as it is made.
    """

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any]
    method: Method
    span: Span
    closed = True
    """Whether there is nothing to end; what was not made to the end was never begun."""
    sent = received = 0
    """How many messages."""
    received_size: int
    """The bytes of the last message, as of the last one that was sent."""
    sent_size: int
    streams = False
    """Whether there may be any number of messages: each is measured as it passes, and they are counted."""
    served = False

    def __init__(self, method: Method, span: Span, serializer: Any, deserializer: Any, *, streams: bool) -> None:  # noqa: ANN401
        self.method = method
        self.span = span
        self.serializer = serializer
        self.deserializer = deserializer
        if streams:
            self.streams = streams
        self.closed = False

    @unseen
    def serialize(self, message: Any) -> Any:  # noqa: ANN401 - the application's
        """Serialize as the application does, and count."""
        if self.serializer is not None:
            try:
                message = self.serializer(message)
            except BaseException as error:
                _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
                guard(PLACE, self.unreadable, error)
                raise
        if type(message) is bytes:
            self.sent += 1
            self.sent_size = len(message)
            if self.streams:
                guard(PLACE, self.method.sent.measure, float(self.sent_size), self.span)
        return message

    @unseen
    def deserialize(self, message: Any) -> Any:  # noqa: ANN401 - bytes
        """Deserialize as the application does, and count."""
        self.received += 1
        self.received_size = len(message)
        if self.streams or self.closed:  # a call may be over before its answer is read
            guard(PLACE, self.method.received.measure, float(self.received_size), self.span)
        if self.deserializer is None:
            return message
        try:
            return self.deserializer(message)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(PLACE, self.unreadable, error)
            raise

    def unreadable(self, error: BaseException) -> None:
        """Take what a serializer or deserializer raised; to a client, the call's code says it."""

    def succeed(self) -> None:
        """End a call of one message in each direction that went well: most do."""
        self.closed = True
        span, method, current = self.span, self.method, pipeline.PIPELINE
        span.end_ns = span.start_ns + perf_counter_ns() - span.ticks
        span.operation = method.ok
        if current is not None and current.settle(span, None, method.ok_duration) is not None:
            sent, received = method.sent, method.received
            try:  # `count` in place
                sent.seen[self.sent_size] += 1
            except KeyError:
                sent.first(self.sent_size, span)
            try:  # as above
                received.seen[self.received_size] += 1
            except KeyError:
                received.first(self.received_size, span)

    def close(self, code: int | None, details: Any = None, error: str = "") -> None:  # noqa: ANN401 - text, bytes or None
        """End the span, once: with a code, what was said of it, and the type of the error that it was."""
        if self.closed:
            return
        self.closed = True
        span, method, current = self.span, self.method, pipeline.PIPELINE
        span.end_ns = span.start_ns + perf_counter_ns() - span.ticks
        span.operation = method.ok if code == OK else self._wrong(code, details, error)
        if current is None:
            return
        if self.streams:
            requests, responses = (self.received, self.sent) if self.served else (self.sent, self.received)
            current.settle(span, {REQUESTS: float(requests), RESPONSES: float(responses)})
        elif current.settle(span, None) is not None:
            if self.sent:
                method.sent.count(self.sent_size, span)
            if self.received:
                method.received.count(self.received_size, span)

    def _wrong(self, code: int | None, details: Any, error: str) -> Operation:  # noqa: ANN401 - as above
        span, found = self.span, self.method.outcome(code, error)
        if span.recording and "error.type" in found.attributes:
            if not span.status_code:
                span.status_code = ERROR
            if details:
                text = details if isinstance(details, str) else bytes(details).decode("utf-8", "replace")
                span.more().status_description = bounded(text)
        return found

    def abandon(self) -> None:
        """End as nobody waits for the answer any more."""
        self.close(CANCELLED)

    def __del__(self) -> None:
        if not self.closed:
            guard(PLACE, self.abandon)


def number_of(code: Any) -> int | None:  # noqa: ANN401 - grpc.StatusCode, or what an application takes for one
    """Return the number of a code, None where it has none."""
    value = getattr(code, "_value_", code)
    if type(value) is tuple:
        value = value[0]
    return value if type(value) is int else None
