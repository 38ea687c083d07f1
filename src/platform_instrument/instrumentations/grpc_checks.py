"""gRPC: whether the servers of its channels answer, by a connection of our own, sync and async; not observed.

Only with probes. A channel's state is read and never changed: one that fails to connect is down, since its calls fail at once.
One that is idle stays so, as calls would fail at once after a vain attempt. A plain server is told that HTTP/2 is spoken, and
answers with its settings; others are connected to as the channel does. Neither is a call. A channel of threads lives as long as
the state of its calls, which stubs hold too.
Source: grpc/_channel.py, grpc/aio/_channel.py (1.50 to 1.85).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.runtime.health.channels import CLOSED, FAILING, REFUSED, Made, connect, state
from platform_instrument.runtime.health.dependencies import Clients
from platform_instrument.runtime.health.knocking import answer, can_knock
from platform_instrument.runtime.health.traffic import Place
from platform_instrument.semantics.rpc import CLIENT_DURATION, place_of
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_MADE = "_platform_instrument_made"  # where a channel remembers how it was made
_IN_VAIN = "the channel fails to connect; its calls fail meanwhile"


def ask(client: Any, seconds: float) -> None:  # noqa: ANN401 - what stands for a channel
    """Connect to a channel's server; OSError where it does not answer."""
    made: Made = client.__dict__[_MADE]
    if state(made.core) == FAILING:
        raise ConnectionError(_IN_VAIN)
    where = _place(made.target)
    if not made.plain or not can_knock(where):
        connect(sys.modules["grpc._cython.cygrpc"], made, seconds)
    elif not answer(where, seconds):
        raise ConnectionError(REFUSED)


def _place(target: str) -> Place:
    address, port = place_of(target)
    return Place("grpc", address, port or 0, "", CLIENT_DURATION)


def room(client: Any) -> bool | None:  # noqa: ANN401 - what stands for a channel
    """Say that it can be asked; None where it is closed."""
    return None if state(client.__dict__[_MADE].core) == CLOSED else True


def made(call: Call, _result: None) -> None:
    """Take a channel of threads."""
    _found(call, call.instance._call_state)  # noqa: SLF001 - the channel itself is let go of while stubs are in use


def made_async(call: Call, _result: None) -> None:
    """Take a channel of coroutines."""
    _found(call, call.instance)


def _found(call: Call, client: Any) -> None:  # noqa: ANN401 - what stands for the channel
    """Take a channel, unless it is one of ours."""
    current = CURRENT.get()
    if current is not None and current.families == SUPPRESSED:
        return
    target, options, credentials = str(call.argument(1, "target")), call.argument(2, "options"), call.argument(3, "credentials")
    client.__dict__[_MADE] = Made(call.instance._channel, target, tuple(options or ()), credentials)  # noqa: SLF001 - as above
    where = _place(target)
    CLIENTS.found(client, where.system, where)


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
