"""Which instrumentations are switched on."""

from __future__ import annotations

from platform_instrument.config.kinds import instrumentation_name

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings


NATIVE, CONTRIB, OFF = "native", "contrib", "off"
"""Who instruments a library: we, upstream's instrumentor, nobody."""


def instrumentation_enabled(settings: Settings, name: str, *, aliases: tuple[str, ...] = (), native: bool = True) -> bool:
    """Say whether an instrumentation is wanted: allow list, deny lists, then the switch of its own, each over the one before.

    `aliases` are further names by which it is known, upstream's for instance; `*` in a list means all. One of ours is not
    `native` where it is upstream's.
    """
    names = {instrumentation_name(known) for known in (name, *aliases)}
    denied = {*settings.disabled_instrumentations, *settings.python_disabled_instrumentations}
    allowed = settings.instrumentations
    enabled = (allowed is None or "*" in allowed or not names.isdisjoint(allowed)) and denied.isdisjoint(names | {"*"})
    switches = [switch for known, switch in settings.instrumentation_switches.items() if known in names]
    if OFF in switches or (native and CONTRIB in switches):
        return False
    return bool(switches) or enabled


def chosen(settings: Settings, name: str) -> str:
    """Return what the switch of an instrumentation says, empty where there is none."""
    return settings.instrumentation_switches.get(instrumentation_name(name), "")
