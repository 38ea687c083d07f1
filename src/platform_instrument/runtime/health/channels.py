"""Whether a server of gRPC answers, by a connection that is made as a channel of the application's makes it, and closed at once.

It ends with the server's settings, before any call. It shares no connection with others, of which those that stand say nothing of
a server that is frozen. It is looked at in slices and broken off before a fork: gRPC does not work in the child of a fork during
which some thread is in it.
Source: grpc/_cython/_cygrpc/channel.pyx.pxi (1.50 to 1.85); grpc's doc/connectivity-semantics-and-api.md.
"""

from __future__ import annotations

import os
from time import sleep, time
from typing import Any, NamedTuple

from platform_instrument.runtime.health.attempts import BrokenOff
from platform_instrument.runtime.health.checker import CHECKER

READY, FAILING, CLOSED = 2, 3, 4
"""`grpc_connectivity_state`."""

REFUSED, SILENT = "no connection can be made", "the server does not answer"

_ALONE = ("grpc.use_local_subchannel_pool", 1)
_SLICE = 0.005
"""Seconds that one look takes at most: a fork waits for it, and with it gevent's other greenlets."""
_RESOLVERS = ("dns", "ipv4", "ipv6")
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")


class Made(NamedTuple):
    """How a channel was made; `core` is the library's own."""

    core: Any
    target: str
    options: tuple[Any, ...]
    credentials: Any

    @property
    def plain(self) -> bool:
        """Whether it connects to one host and port, without encryption, as anybody would."""
        scheme, colon, rest = self.target.partition(":")
        known = not colon or rest.isdecimal() or scheme in _RESOLVERS
        several = "," in self.target or any(name in os.environ for name in _PROXIES)
        return self.credentials is None and known and not several


def state(core: Any) -> int:  # noqa: ANN401 - a channel of the library's core
    """Return the state of a channel, which stays as it is."""
    try:
        return int(core.check_connectivity_state(False))  # noqa: FBT003 - of the library
    except ValueError:
        return CLOSED


def connect(cygrpc: Any, made: Made, seconds: float) -> None:  # noqa: ANN401 - the library's core
    """Connect as a channel does; ConnectionError where that fails, TimeoutError where the server does not answer."""
    ends = time() + seconds
    own = cygrpc.Channel(made.target.encode(), (*made.options, _ALONE), made.credentials)
    try:
        while (now := own.check_connectivity_state(True)) != READY:  # noqa: FBT003 - as above
            if now == FAILING:
                raise ConnectionError(REFUSED)
            if time() >= ends:
                raise TimeoutError(SILENT)
            if CHECKER.stopping:
                raise BrokenOff
            own.watch_connectivity_state(now, time() + _SLICE)
            sleep(_SLICE)
    finally:
        own.close(cygrpc.StatusCode.cancelled, "asked")
