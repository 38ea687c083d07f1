"""How many requests are open: each holds on to the token of its kind, and a collection counts who does.

The interpreter keeps that count anyway, as the references to the token. So opening and closing a request write nothing that
two threads could disturb, and nothing can drift: a request that its server dropped, or that a signal struck half made, lets
go of the token as any other. A fork child has new tokens, since the requests of its parent are none of its own.
"""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any

from platform_instrument.semantics.http import ACTIVE_REQUESTS, METHODS, server_operation
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from platform_instrument.core.values import Operation
    from platform_instrument.telemetry.metrics.cells import NumberCell, Pairs

_MOST_OPENINGS = 256
_FRAMED = frozenset(("2", "3"))
"""Versions of the protocol in which a request may have a body that no header announces."""


class Kind:
    """Requests that are counted together, by method and scheme."""

    __slots__ = ("cell", "resets", "token")

    def __init__(self, cell: NumberCell | None) -> None:
        self.cell = cell
        self.token: object = object()
        """What an open request of this kind holds on to."""
        self.resets = -1
        """The `METRICS.resets` for which the token is: after a fork it is another one."""

    def references(self) -> int:
        """Return the references to the token, our own among them."""
        return getrefcount(self.token)

    def renew(self) -> None:
        """Begin to count, from zero."""
        self.token = object()
        self.resets = METRICS.resets


class Opening:
    """What is the same for all requests that begin alike."""

    __slots__ = ("framed", "kind", "operation")

    def __init__(self, operation: Operation, kind: Kind, *, framed: bool) -> None:
        self.operation = operation
        self.kind = kind
        self.framed = framed
        """Whether there may be a body that no header announces."""


OPENINGS: dict[tuple[str, str, str], Opening] = {}
"""By method, scheme and version of the protocol; for methods that are known."""

_kinds: dict[Pairs, Kind] = {}
_OURS = Kind(None).references()


def opening_of(method: str, scheme: str, version: str) -> Opening:
    """Make what is not among `OPENINGS`; a method that nobody knows is none to remember."""
    operation = server_operation(method, scheme, version, "")
    attributes = operation.attributes
    pairs = tuple([(name, attributes[name]) for name in ACTIVE_REQUESTS.constant])
    kind = _kinds.get(pairs)
    if kind is None:
        if observe not in METRICS.observers:
            METRICS.observers.append(observe)
        kind = _kinds.setdefault(pairs, Kind(METRICS.metric(ACTIVE_REQUESTS).cell(pairs)))
    opening = Opening(operation, kind, framed=version in _FRAMED)
    if method in METHODS and len(OPENINGS) < _MOST_OPENINGS:
        OPENINGS[method, scheme, version] = opening
    return opening


def open_requests() -> int:
    """Return how many requests of this process are open now."""
    return sum(kind.references() - _OURS for kind in list(_kinds.values()) if kind.resets == METRICS.resets)


def observe() -> None:
    """Say how many requests are open now; kinds beyond the limit of series share one."""
    open_requests: dict[Any, int] = {}
    for kind in list(_kinds.values()):
        if kind.resets == METRICS.resets:
            open_requests[kind.cell] = open_requests.get(kind.cell, 0) + kind.references() - _OURS
    for cell, number in open_requests.items():
        cell.put(number)
