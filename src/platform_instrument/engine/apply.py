"""From the import of a library to its patches: all of an instrumentation or nothing, and the record that doctor reads."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from platform_instrument.config.schema import instrumentation_enabled
from platform_instrument.core.guard import on_fault
from platform_instrument.core.report import say
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation, Observe
from platform_instrument.engine import drive, imports
from platform_instrument.engine.journal import Journal
from platform_instrument.engine.scope import Plan, passes
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from platform_instrument.config.schema import Settings

    Patch = Observe | EditCall | EditResult | Custom

MOST_FAULTS = 100
"""After so many contained faults an instrumentation takes its own patches back."""

OFF, WAITING, PATCHED, UNFIT, UNDONE = "off", "waiting", "patched", "does not fit", "undone"


class Applied:
    """What became of one instrumentation in this process."""

    __slots__ = ("faults", "instrumentation", "journal", "name", "reason", "scope", "status", "version")

    def __init__(self, name: str, instrumentation: Instrumentation | None) -> None:
        self.name = name
        self.instrumentation = instrumentation
        self.journal = Journal()
        self.scope = own_scope(name)
        self.status = WAITING
        self.reason = ""
        self.version = ""
        self.faults = 0

    def undo(self, status: str, reason: str) -> None:
        """Take every patch back."""
        self.journal.undo()
        self.status = status
        self.reason = reason

    # --- what a `Custom` patch may do -----------------------------------------------------------------------------

    def replace(self, owner: Any, name: str, value: Any) -> None:  # noqa: ANN401 - a module or class
        """Set an attribute."""
        self.journal.replace(owner, name, value)

    def on_undo(self, action: Callable[[], None]) -> None:
        """Note how to take back a change that is not an attribute."""
        self.journal.on_undo(action)

    def observe(self, owner: Any, patch: Observe) -> None:  # noqa: ANN401 - a module or class
        """Apply an `Observe` to an attribute of `owner`, named by the last part of its target."""
        assert self.instrumentation is not None  # noqa: S101 - only reached from its own patches
        plan = Plan(
            f"{self.name} {patch.target}",
            patch.begin,
            patch.end,
            patch.error,
            patch.carrier,
            self.instrumentation.family,
            self.scope,
        )
        wrap = partial(drive.observe, plan=plan, context_manager=patch.context_manager)
        self._wrap(owner, _last(patch.target), wrap, otherwise=partial(setattr, plan, "begin", passes))

    def _wrap(
        self,
        owner: Any,  # noqa: ANN401 - a module or class
        name: str,
        wrap: Callable[[Any], Any],
        otherwise: Callable[[], None] | None = None,
    ) -> None:
        original = _static(owner, name)
        if isinstance(original, (staticmethod, classmethod)):
            self.journal.replace(owner, name, type(original)(wrap(original.__func__)), otherwise=otherwise)
        else:
            self.journal.replace(owner, name, wrap(original), otherwise=otherwise)

    def patch(self, patch: Patch, module: ModuleType) -> None:
        """Apply one patch; AttributeError where its target does not exist."""
        if isinstance(patch, Custom):
            patch.apply(self)
            return
        owner: Any = module
        *path, name = patch.target.partition(":")[2].split(".")
        for step in path:
            owner = getattr(owner, step)
        if isinstance(patch, Observe):
            self.observe(owner, patch)
        elif isinstance(patch, EditCall):
            self._wrap(owner, name, partial(drive.edit_call, place=f"{self.name} {patch.target}", edit=patch.edit))
        else:
            self._wrap(owner, name, partial(drive.edit_result, place=f"{self.name} {patch.target}", edit=patch.edit))


APPLIED: dict[str, Applied] = {}
"""Every instrumentation whose library was imported, by name."""


def arrived(settings: Settings, entries: tuple[tuple[str, str], ...], module: ModuleType) -> None:
    """Apply the instrumentations that wait for this module; `entries` are their names and our modules."""
    for name, path in entries:
        if name in APPLIED:
            continue
        if not instrumentation_enabled(settings, name):
            APPLIED[name] = Applied(name, None)
            APPLIED[name].undo(OFF, "switched off by the settings")
            continue
        instrumentation = import_module(path).INSTRUMENTATION
        if instrumentation.setting and not getattr(settings, instrumentation.setting):
            APPLIED[name] = Applied(name, instrumentation)
            APPLIED[name].undo(OFF, f"switched off by PLATFORM_{instrumentation.setting.upper()}")
            continue
        pipeline.start(settings)
        install(instrumentation, module)


def install(instrumentation: Instrumentation, module: ModuleType | None = None) -> Applied:
    """Apply an instrumentation to what is imported already, and to the rest when it is imported; twice is once."""
    known = APPLIED.get(instrumentation.name)
    if known is not None and known.status in {PATCHED, WAITING}:
        return known
    applied = APPLIED[instrumentation.name] = Applied(instrumentation.name, instrumentation)
    if module is not None:
        applied.version = _version(module)
        if _too_old(applied.version, instrumentation.requires):
            applied.undo(UNFIT, f"{instrumentation.requires} is needed, {applied.version} is there")
            say(f"{instrumentation.name} is not instrumented: {applied.reason}", place=instrumentation.name)
            return applied
    groups: dict[str, list[Patch]] = {}
    for patch in instrumentation.patches:
        groups.setdefault(patch.module if isinstance(patch, Custom) else patch.target.partition(":")[0], []).append(patch)
    for name, patches in groups.items():
        imports.when_imported(name, partial(_apply, applied, patches))
    return applied


def uninstall(name: str) -> None:
    """Take an instrumentation's patches back."""
    applied = APPLIED.pop(name, None)
    if applied is not None:
        applied.undo(UNDONE, "undone on request")


def _apply(applied: Applied, patches: list[Patch], module: ModuleType) -> None:
    """Apply the patches of one module; where a required one does not resolve, undo the whole instrumentation."""
    if applied.status not in {WAITING, PATCHED}:
        return
    for patch in patches:
        try:
            applied.patch(patch, module)
        except (AttributeError, ImportError) as missing:
            if patch.optional:
                continue
            applied.undo(UNFIT, f"{missing} (version {applied.version or 'unknown'})")
            say(f"{applied.name} is not instrumented: {applied.reason}", place=applied.name)
            return
    applied.status = PATCHED


def _static(owner: Any, name: str) -> Any:  # noqa: ANN401 - a module or class
    """Return the attribute as it is stored, without binding; AttributeError where there is none."""
    for place in getattr(owner, "__mro__", (owner,)):
        if name in vars(place):
            return vars(place)[name]
    return getattr(owner, name)


def _last(target: str) -> str:
    return target.rpartition(":")[2].rpartition(".")[2]


def _version(module: ModuleType) -> str:
    """Return the version that the library says of itself; empty where it says none."""
    for name in ("__version__", "VERSION", "version"):
        value = getattr(module, name, None)
        if isinstance(value, str):
            return value
        if isinstance(value, tuple) and value and all(isinstance(part, (int, str)) for part in value):
            return ".".join(str(part) for part in value[:3])
    top = module.__name__.partition(".")[0]
    return _version(sys.modules[top]) if top != module.__name__ and top in sys.modules else ""


def _too_old(version: str, requires: str) -> bool:
    """Say whether a version is below the `>=` of a requirement; unknown is not too old, the standard library is Python's."""
    if requires.startswith("python"):
        return False
    least = requires.partition(">=")[2].partition(",")[0]
    return bool(version and least) and _numbers(version) < _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.split("."):
        digits = part[: next((at for at, sign in enumerate(part) if not sign.isdigit()), len(part))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def _count_fault(place: str) -> None:
    """Undo an instrumentation that faults again and again."""
    applied = APPLIED.get(place.partition(" ")[0])
    if applied is None:
        return
    applied.faults += 1
    if applied.faults == MOST_FAULTS and applied.status == PATCHED:
        applied.undo(UNDONE, f"undone after {MOST_FAULTS} faults")
        say(f"the instrumentation of {applied.name} was undone after {MOST_FAULTS} faults", place=f"undone {applied.name}")


on_fault(_count_fault)
