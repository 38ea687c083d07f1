"""Which instrumentations are switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.config.kinds import instrumentation_name

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings


def instrumentation_enabled(settings: Settings, name: str, *, aliases: tuple[str, ...] = ()) -> bool:
    """Say whether an instrumentation is wanted: allow list, deny lists, then the switch of its own, each over the one before.

    `aliases` are further names by which it is known, upstream's for instance; `*` in a list means all.
    """
    names = {instrumentation_name(known) for known in (name, *aliases)}
    denied = {*settings.disabled_instrumentations, *settings.python_disabled_instrumentations}
    allowed = settings.instrumentations
    enabled = (allowed is None or "*" in allowed or not names.isdisjoint(allowed)) and denied.isdisjoint(names | {"*"})
    switches = [on for known, on in settings.instrumentation_switches.items() if known in names]
    return all(switches) if switches else enabled
