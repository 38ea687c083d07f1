"""What the worker looks after besides its own work, and a fork: what some features have to do now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from platform_instrument.core.guard import guard

if TYPE_CHECKING:
    from collections.abc import Iterator


class Errand(Protocol):
    """What is to be done now and then."""

    def turn(self) -> float | None:
        """Do what is due; return the seconds until something is, None where nothing is to be done."""

    def before_fork(self, seconds: float) -> None:
        """Have no thread, as far as it ends in time."""

    def renew(self) -> None:
        """Start from zero: in a fork child."""


class Errands:
    """All errands of a process, each under guard."""

    __slots__ = ("run",)

    def __init__(self) -> None:
        self.run: list[Errand] = []

    def turn(self) -> Iterator[float | None]:
        """Do what is due; return when each wants to be asked again."""
        return (guard("errand", errand.turn) for errand in self.run)

    def before_fork(self, seconds: float) -> None:
        """Have no threads."""
        for errand in self.run:
            guard("errand", errand.before_fork, seconds)

    def renew(self) -> None:
        """Start from zero."""
        for errand in self.run:
            guard("errand", errand.renew)
