"""gRPC: whether the servers of its channels answer, by a connection of our own made as theirs is, sync and async; not observed.

Only with probes. A channel's state is read and never changed: one that fails to connect is down, since its calls fail at once.
One that is idle stays so, as calls would fail at once after a vain attempt. The connection of our own ends with the server's
settings, before any call. A channel of threads lives as long as the state of its calls, which stubs hold too.
Source: grpc/_channel.py, grpc/aio/_channel.py (1.50 to 1.85); grpc's doc/connectivity-semantics-and-api.md.
"""

from __future__ import annotations

import sys
from time import sleep, time
from typing import TYPE_CHECKING, Any, NamedTuple

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.runtime.health.attempts import BrokenOff
from platform_instrument.runtime.health.checker import CHECKER
from platform_instrument.runtime.health.dependencies import Clients
from platform_instrument.runtime.health.traffic import Place
from platform_instrument.semantics.rpc import CLIENT_DURATION, place_of
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_SYSTEM = "grpc"
_READY, _FAILING, _CLOSED = 2, 3, 4
"""`grpc_connectivity_state`."""
_ALONE = ("grpc.use_local_subchannel_pool", 1)
"""The option of a channel that shares no connection with others."""
_SLICE = 0.005
"""Seconds that one look takes at most: a fork waits for it, and with it gevent's other greenlets."""
_IN_VAIN, _REFUSED = "the channel fails to connect; its calls fail meanwhile", "no connection can be made"
_SILENT = "the server does not answer"
_MADE = "_platform_instrument_made"  # where a channel remembers how it was made


class _Made(NamedTuple):
    """How a channel was made; `core` is the library's own."""

    core: Any
    target: bytes
    options: tuple[Any, ...]
    credentials: Any


def ask(client: Any, seconds: float) -> None:  # noqa: ANN401 - what stands for a channel
    """Connect as a channel does; ConnectionError where it fails to, TimeoutError where the server does not answer."""
    made: _Made = client.__dict__[_MADE]
    if _state(made.core) == _FAILING:
        raise ConnectionError(_IN_VAIN)
    cygrpc = sys.modules["grpc._cython.cygrpc"]
    own = cygrpc.Channel(made.target, (*made.options, _ALONE), made.credentials)
    try:
        _connect(own, time() + seconds)
    finally:
        own.close(cygrpc.StatusCode.cancelled, "asked")


def _connect(own: Any, ends: float) -> None:  # noqa: ANN401 - a channel of the library's core
    while True:
        if (state := own.check_connectivity_state(True)) == _READY:  # noqa: FBT003 - of the library
            return
        if state == _FAILING:
            raise ConnectionError(_REFUSED)
        if time() >= ends:
            raise TimeoutError(_SILENT)
        if CHECKER.stopping:
            raise BrokenOff
        own.watch_connectivity_state(state, time() + _SLICE)
        sleep(_SLICE)


def _state(core: Any) -> int:  # noqa: ANN401 - as above
    """Return the state of a channel, which stays as it is."""
    try:
        return int(core.check_connectivity_state(False))  # noqa: FBT003 - as above
    except ValueError:
        return _CLOSED


def room(client: Any) -> bool | None:  # noqa: ANN401 - what stands for a channel
    """Say that it can be asked; None where it is closed."""
    return None if _state(client.__dict__[_MADE].core) == _CLOSED else True


def made(call: Call, _result: None) -> None:
    """Take a channel of threads."""
    _found(call, call.instance._call_state)  # noqa: SLF001 - the channel itself is let go of while stubs are in use


def made_async(call: Call, _result: None) -> None:
    """Take a channel of coroutines."""
    _found(call, call.instance)


def _found(call: Call, client: Any) -> None:  # noqa: ANN401 - what stands for the channel
    """Take a channel, unless it is one of ours."""
    if (current := CURRENT.get()) is not None and current.families == SUPPRESSED:
        return
    target, options, credentials = str(call.argument(1, "target")), call.argument(2, "options"), call.argument(3, "credentials")
    client.__dict__[_MADE] = _Made(call.instance._channel, target.encode(), tuple(options or ()), credentials)  # noqa: SLF001
    address, port = place_of(target)
    CLIENTS.found(client, _SYSTEM, Place(_SYSTEM, address, port or 0, "", CLIENT_DURATION))


CLIENTS = Clients("grpc", room, ask)

INSTRUMENTATION = Instrumentation(
    name="grpc_checks",
    requires="grpcio>=1.50,<2",
    patches=(
        Custom("grpc._channel", CLIENTS.watch),
        EditResult("grpc._channel:Channel.__init__", made),
        EditResult("grpc.aio._channel:Channel.__init__", made_async),
    ),
    modules=("grpc",),
    settings=("probes", "admin_port"),
)
