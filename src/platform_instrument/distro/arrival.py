"""A library we know was imported: set up what a program that uses none of them never pays for, then instrument it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard
from platform_instrument.engine import apply
from platform_instrument.instrumentations._index import NEEDED, USED
from platform_instrument.runtime import beginning, leaving

if TYPE_CHECKING:
    from types import ModuleType

    from platform_instrument.config.schema import Settings
    from platform_instrument.core.values import Instrumentation


class _Prepared:
    """What is in place in this process."""

    websockets = False


def arrived(settings: Settings, entries: tuple[tuple[str, str], ...], module: ModuleType) -> None:
    """Instrument the library, and see to it that the last records leave with the process."""
    apply.arrived(settings, entries, module, NEEDED, USED)
    _prepare(settings)


def install(settings: Settings, instrumentation: Instrumentation, module: ModuleType) -> None:
    """Do the same with an instrumentation that is in no index of ours."""
    apply.begin(settings)
    apply.install(instrumentation, module)
    _prepare(settings)


def _prepare(settings: Settings) -> None:
    leaving.prepare(settings)
    beginning.prepare(settings)
    if settings.max_overhead is not None:
        from platform_instrument.runtime.overhead.governor import prepare as govern  # few services have a budget

        govern(settings)
    if settings.probes or settings.admin_port is not None:
        from platform_instrument.distro.probing import prepare  # few services are probed

        prepare(settings)
    if settings.websockets and not _Prepared.websockets:
        from platform_instrument.web.websockets import install  # few services want it

        _Prepared.websockets = True
        guard("websockets", install)
