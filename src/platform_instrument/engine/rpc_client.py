"""A gRPC call to a server: its span, and what it raised."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from platform_instrument.core.errors import error_type
from platform_instrument.core.families import RPC_CLIENT, SUPPRESSED
from platform_instrument.core.guard import guard
from platform_instrument.core.values import CLIENT
from platform_instrument.engine.rpc import PLACE, Method, Rpc, Targets, number_of
from platform_instrument.semantics.rpc import OK
from platform_instrument.telemetry.context import CURRENT, SAMPLED
from platform_instrument.telemetry.tracer import start

if TYPE_CHECKING:
    from platform_instrument.telemetry.scope import InstrumentationScope
    from platform_instrument.telemetry.span import Span

STANDING = "_platform_instrument_standing"
"""Where a multi-callable remembers what is known of it."""

_MOST_IDLE = 64
_slots: dict[type, tuple[str, ...]] = {}


class ClientRpc(Rpc):
    """One call to a server."""

    def failed(self, error: BaseException) -> None:
        """End with what the call raised: mostly an answer of the library's, with a code."""
        self.args = ()
        code = getattr(error, "code", None)
        number = number_of(code()) if callable(code) else None
        if number is None:
            self.close(None, error=error_type(error))
        else:
            self.close(number, error.details())  # type: ignore[attr-defined] # of gRPC


class SentCall(ClientRpc):
    """A call that a thread has made."""

    def returned(self, result: Any) -> None:  # noqa: ANN401 - a state, or a call to read from
        """End with the code of a call that was waited for, or when the other one is over."""
        self.args = ()
        if type(result) is tuple:
            self.end_as(result[0])
            return
        self._state = ref(result._state)  # noqa: SLF001 - what is told to callbacks holds the call, which is to be let go
        if not result.add_callback(partial(guard, PLACE, self.ended)):
            self.ended()

    def ended(self) -> None:
        """End, when the library tells so."""
        self.end_as(self._state())

    def end_as(self, state: Any) -> None:  # noqa: ANN401 - the library's, None once it is gone
        """End with the code that a state has."""
        number = None if state is None else number_of(state.code)
        if number is None:
            self.abandon()
        else:
            self.close(number, state.details)


class _Succeeded:
    """The library's object for OK, once it was seen."""

    code: Any = object()


class WaitedCall(SentCall):
    """A call of one message that a thread waits for; what stands for its multi-callable is used again."""

    idle: deque[Any] | None

    def returned(self, result: Any) -> None:  # noqa: ANN401 - the library's state, and its call
        """End with the call's code."""
        stand_in, idle = self.args[0], self.idle
        self.args, self.idle = (), None  # held for longer they would be cycles
        state = result[0]
        if state.code is _Succeeded.code and self.received:
            self.succeed()
        else:
            self.end_as(state)
            if number_of(state.code) == OK:
                _Succeeded.code = state.code
        if idle is not None:
            idle.append(stand_in)


class Standing:
    """What is known of a multi-callable: its method, and copies that stand for it, each for one call at a time.

    It lives as long as the multi-callable, and so do the channels that the copies hold.
    """

    __slots__ = ("idle", "method")

    def __init__(self, method: Method) -> None:
        self.method = method
        self.idle: deque[Any] = deque(maxlen=_MOST_IDLE)


def standing(targets: Targets, original: Any) -> Standing:  # noqa: ANN401 - as above
    """Return what is known of a multi-callable, which remembers it."""
    found = Standing(targets.method(original._channel, original._method))  # noqa: SLF001 - what it has is nowhere else
    kept: Standing = original.__dict__.setdefault(STANDING, found)
    return kept


def stand_in(original: Any, call: SentCall) -> Any:  # noqa: ANN401 - as above
    """Return a copy whose messages are counted by a call."""
    kind = type(original)
    names = _slots.get(kind)
    if names is None:
        names = _slots[kind] = tuple([name for each in kind.__mro__ for name in vars(each).get("__slots__", ())])
    copy: Any = object.__new__(kind)
    for name in names:
        setattr(copy, name, getattr(original, name))
    copy.__dict__.update(original.__dict__)
    copy.__dict__.pop(STANDING, None)
    copy._request_serializer, copy._response_deserializer = call.serialize, call.deserialize  # noqa: SLF001 - the library's
    return copy


def client_span(method: Method, scope: InstrumentationScope) -> Span | None:
    """Begin the span of a call to a server; None where none is to be seen here."""
    current, families, operation = CURRENT.get(), RPC_CLIENT, method.operation
    if current is not None and not current.end_ns:
        if current.families & RPC_CLIENT:
            return None
        families |= current.families
    if method.unseen:
        span = start(operation.name, CLIENT, operation, None, scope, current, SUPPRESSED)
        span.flags &= ~SAMPLED
        span.recording = False
        return span
    return start(operation.name, CLIENT, operation, None, scope, current, families)
