"""What may stand before every handler of SIGTERM: the orderly end (`runtime.ending.conductor`). For `runtime.sigterm`."""

from __future__ import annotations

from typing import Protocol


class Keeper(Protocol):
    """Decides when a SIGTERM reaches who handles it."""

    def passes(self, *, default: bool) -> bool:
        """Say whether the handler is called now; `default` where that is none of the application's. In a signal handler."""

    def noted(self) -> None:
        """Be told that one came, whatever the main thread does. In a thread of its own."""

    def left(self) -> None:
        """Be told that the program has ended by itself, and everything is done."""

    def outlived(self) -> None:
        """Be told that the default action did not end this process: the first of a container, which the kernel spares."""
