"""When to leave something out, and when to take it back: by what observing cost in one window after another; no clock in it.

One step a window, the last one first on the way back. What a step saved is remembered as a factor: it is taken back where the
cost would be within the budget with it, by a margin. That memory fades, so that a load which has changed is found out by trying.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOGS, SPANS, TRACES = "logs", "spans", "traces"
"""Kinds of steps, in their order."""

_PATIENCE = 2
"""So many windows in a row over the budget before the first step, or with room before one is taken back."""
_MARGIN = 0.9
"""Share of the budget that the cost has to be within for a step to be taken back."""
_FADES = 0.98
"""What is left of the memory of a step after each window: half of it after 34."""
_MOST_SAVED = 20.0
_SAVES = 1.02
"""A step on traces has to save as much as this, as a factor."""


class Step:
    """One thing that is left out: `what` is the library whose spans go, or the number of traces of which one is kept."""

    __slots__ = ("before", "kind", "saved", "what")

    def __init__(self, kind: str, what: str | int = "") -> None:
        self.kind = kind
        self.what = what
        self.before = 0.0
        """What observing cost when the step was made, 0 once it is known what it saved."""
        self.saved = 1.0
        """By what the cost was divided, as far as that is remembered."""

    def __repr__(self) -> str:
        return f"Step({self.kind!r}, {self.what!r})"


class Budget:
    """The steps that are made, the last one last; `excess` is the cost above the budget where nothing is left to leave out."""

    __slots__ = ("_calm", "_over", "_whole", "excess", "most", "steps")

    def __init__(self, most: float) -> None:
        self.most = most
        self.renew()

    def renew(self) -> None:
        """Begin with everything exported."""
        self.steps: list[Step] = []
        self.excess = 0.0
        self._over = self._calm = 0
        self._whole = False

    def judge(self, cost: float, offer: Callable[[], Step | None]) -> bool:
        """Take the cost of one window, as a share; make a step or take one back, and say whether that was done.

        `offer()` returns the next step, None where there is none. Thinner traces that did not help are taken back at once: they
        begin elsewhere, or are not what costs; then they are left whole until there has been room.
        """
        self._remember(cost)
        if cost <= self.most:
            return self._back(cost)
        self._calm = 0
        self._over += 1
        if self._over < _PATIENCE and not self.steps:
            return False
        useless = self._take_back_useless()
        step = offer()
        if step is None or (step.kind == TRACES and self._whole):
            self.excess = cost - self.most
            return useless
        self.excess = 0.0
        step.before = cost
        self.steps.append(step)
        return True

    def _remember(self, cost: float) -> None:
        """Learn what the last step saved; forget a little of what all of them did."""
        for step in self.steps:
            step.saved = 1.0 + (step.saved - 1.0) * _FADES
        last = self.steps[-1] if self.steps else None
        if last is not None and last.before:
            last.saved = min(max(last.before / cost if cost > 0 else _MOST_SAVED, 1.0), _MOST_SAVED)
            last.before = 0.0

    def _take_back_useless(self) -> bool:
        """Take back a step on traces that did not help; say whether there was one."""
        last = self.steps[-1] if self.steps else None
        if last is None or last.kind != TRACES or last.saved >= _SAVES:
            return False
        self.steps.pop()
        self._whole = True
        return True

    def _back(self, cost: float) -> bool:
        """Take the last step back where there has been room for it."""
        self._over, self.excess, self._whole = 0, 0.0, False
        if not self.steps or cost * self.steps[-1].saved > self.most * _MARGIN:
            self._calm = 0
            return False
        self._calm += 1
        if self._calm < _PATIENCE:
            return False
        self._calm = 0
        self.steps.pop()
        return True
