"""All ports of ours that a process answers at: what happens to one happens to all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platform_instrument.telemetry.ports.endpoint import Endpoint

PAUSE = 0.2
"""Seconds that a fork may wait for a thread to stop."""


class Endpoints:
    """The endpoints of a process, each with a thread of its own."""

    __slots__ = ("_all", "held")

    def __init__(self) -> None:
        self._all: list[Endpoint] = []
        self.held = False
        """True in a process that must have no thread."""

    def open(self, endpoint: Endpoint) -> None:
        """Answer at a further port, as soon as this process serves or seems to."""
        self._all.append(endpoint)
        if self.held:
            endpoint.hold(PAUSE)
        else:
            endpoint.begin(serving=False)

    def begin(self) -> None:
        """Answer from now on: this process is known to be at work."""
        for endpoint in self._all:
            endpoint.begin()

    def hold(self) -> None:
        """Have no thread from now on, and nothing but the listening sockets."""
        self.held = True
        for endpoint in self._all:
            endpoint.hold(PAUSE)

    def status(self) -> dict[str, Any]:
        """Return what doctor shows, by what is done at each."""
        return {endpoint.use: endpoint.status() for endpoint in self._all}

    def stop(self, seconds: float) -> None:
        """End the threads."""
        for endpoint in self._all:
            endpoint.stop(seconds)

    def before_fork(self) -> None:
        """End the threads, so that the child inherits no lock in mid-air."""
        for endpoint in self._all:
            endpoint.before_fork(PAUSE)

    def after_fork_in_parent(self, *, at_once: bool) -> None:
        """Go on answering, or with the next record where Python counts threads after this."""
        for endpoint in self._all:
            endpoint.after_fork_in_parent(at_once=at_once)

    def renew(self) -> None:
        """Start from zero, in a fork child."""
        self.held = False
        for endpoint in self._all:
            endpoint.renew()
