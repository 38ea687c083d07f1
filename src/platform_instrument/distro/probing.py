"""Probes and what they tell, put in place where the settings ask for them: once a process, fork children inherit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard
from platform_instrument.runtime.health import port, preparation
from platform_instrument.web import probes

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings


class _Probing:
    """What is in place in this process."""

    front = False


def prepare(settings: Settings) -> None:
    """Put in place what is not there yet."""
    if not _Probing.front:
        _Probing.front = True
        guard("probes", probes.install, settings)
    preparation.prepare(settings)
    guard("admin port", port.prepare, settings)
