"""What is the same for all requests that end alike, found by one look: operation, attributes, cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.semantics.http import BODYLESS, METHODS, SERVER_RESPONSE_SIZE, server_operation, server_response
from platform_instrument.telemetry.metrics.registry import beside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.core.values import Operation

_MOST_ENDINGS = 2_000

ENDINGS: dict[tuple[str, str, str, str, int], Ending] = {}
"""By method, scheme and version of the protocol, route, status; for methods that are known."""


class Ending:
    """How requests of one route end with one status; cells are known from the first that is counted, and None until then."""

    __slots__ = ("answered", "bodyless", "cell", "operation", "sizes")

    def __init__(self, operation: Operation, answered: Mapping[str, Any], *, bodyless: bool) -> None:
        self.operation = operation
        self.answered = answered
        self.bodyless = bodyless
        """Whether the answer has no body, whatever an application hands over."""
        self.cell: Any = None
        """Where the durations are counted."""
        self.sizes: Any = None
        """Where the sizes of the answers' bodies are counted."""

    def count_in(self, cell: Any) -> None:  # noqa: ANN401 - a histogram's cell, of either kind
        """Learn the cells; those of the overflow are asked for anew each time, as there may be room again."""
        if self.operation.cells and cell in self.operation.cells.values():
            self.cell = cell
            self.sizes = beside(cell, SERVER_RESPONSE_SIZE)


def ending_of(method: str, scheme: str, version: str, route: str, status: int) -> Ending:
    """Make what is not among `ENDINGS`; a method that nobody knows is none to remember."""
    answered: Mapping[str, Any] = server_response(status) if status else {}
    operation = server_operation(method, scheme, version, route)
    ending = Ending(operation, answered, bodyless=method == "HEAD" or status in BODYLESS)
    if method in METHODS:
        if len(ENDINGS) >= _MOST_ENDINGS:
            ENDINGS.clear()
        ENDINGS[method, scheme, version, route, status] = ending
    return ending
