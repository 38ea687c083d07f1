"""The lines that are kept of one request until its end is known: the latest of them, within bounds that hold for all together.

No lock is held: threads of one request may keep lines at the same moment, and one may end it. Weights are bytes, about.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextvars import Context

    from platform_instrument.telemetry.logs.queue import LogQueue

MOST_RINGS = 1_000
"""Requests whose lines are kept at the same time; those beyond are not recorded."""

MOST_TOGETHER = 32 * 1024 * 1024
"""What all of them may hold together."""


class Line(Protocol):
    """What a ring holds: `weight` is bytes, `context` the one that it was logged in."""

    weight: int
    context: Context

    def play(self, logs: LogQueue | None, left_out: int = 0) -> None:
        """Print the line, or that so many before it are not kept any more; `logs` is where exported records wait."""


class Rings:
    """The rings of one process: `size` is what one may hold."""

    __slots__ = ("number", "size", "weight")

    def __init__(self, size: int) -> None:
        self.size = size
        self.number = 0
        self.weight = 0

    def open(self, span_id: int) -> Ring | None:
        """Return a ring for the request that this span is of, None where there are too many."""
        return Ring(self, span_id) if self.number < MOST_RINGS else None


class Ring:
    """The lines of one request, the oldest first."""

    __slots__ = ("__weakref__", "_counted", "left_out", "lines", "opened", "rings", "span_id", "weight")

    def __init__(self, rings: Rings, span_id: int) -> None:
        self.rings = rings
        self.span_id = span_id
        """Of the span whose end closes the ring."""
        self.lines: deque[Line] = deque()
        self.weight = 0
        self.left_out = 0
        """How many lines have given way to later ones."""
        self.opened = True
        self._counted = True
        rings.number += 1

    def put(self, line: Line) -> None:
        """Keep a line; the oldest give way where it is too much, for this request or for all of them."""
        rings, weight = self.rings, line.weight
        self.lines.append(line)
        self.weight += weight
        rings.weight += weight
        while (self.weight > rings.size or rings.weight > MOST_TOGETHER) and self._pop() is not None:
            self.left_out += 1
        if not self.opened:  # closed meanwhile: whoever did it may not have seen this line
            self.take()

    def take(self) -> list[Line]:
        """Return the lines, and keep them no more."""
        taken = [self._pop() for _ in range(len(self.lines))]
        return [line for line in taken if line is not None]

    def close(self) -> None:
        """Keep nothing from now on."""
        self.opened = False
        if self._counted:
            self._counted = False
            self.rings.number -= 1

    def _pop(self) -> Line | None:
        try:
            line = self.lines.popleft()
        except IndexError:  # another thread has it
            return None
        weight = line.weight
        self.weight -= weight
        self.rings.weight -= weight
        return line

    def __del__(self) -> None:
        """Give back what a request held that its server has dropped without an end."""
        self.close()
        self.rings.weight -= self.weight
