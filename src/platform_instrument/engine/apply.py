"""From the import of a library to its patches: all of an instrumentation or nothing, and the record that doctor reads."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from platform_instrument.config.read import NOTHING
from platform_instrument.config.schema import Settings
from platform_instrument.config.switches import instrumentation_enabled
from platform_instrument.core.families import DB_CLIENT
from platform_instrument.core.guard import faults, guard, on_fault
from platform_instrument.core.report import say
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation, Observe, Time
from platform_instrument.engine import drive, edits, imports, timing
from platform_instrument.engine.first_use import at_first_call
from platform_instrument.engine.journal import Journal
from platform_instrument.engine.scope import Plan, passes
from platform_instrument.engine.versions import doubt, version_of
from platform_instrument.telemetry import choices, pipeline
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from platform_instrument.core.values import Patch

MOST_FAULTS = 100
"""After so many contained faults an instrumentation takes its own patches back."""

OFF, WAITING, PATCHED, UNFIT, UNDONE = "off", "waiting", "patched", "does not fit", "undone"


class Applied:
    """What became of one instrumentation in this process."""

    __slots__ = ("doubt", "faults", "instrumentation", "journal", "name", "reason", "scope", "status", "version")

    def __init__(self, name: str, instrumentation: Instrumentation | None) -> None:
        self.name = name
        self.instrumentation = instrumentation
        self.journal = Journal()
        self.scope = own_scope(name)
        self.status = WAITING
        self.reason = ""
        """Why it is not patched."""
        self.version = ""
        self.doubt = ""
        """Why its version is doubtful, though it is patched."""
        self.faults = 0

    def undo(self, status: str, reason: str) -> None:
        """Take every patch back."""
        self.status = status
        self.reason = reason
        self.journal.undo()

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
        settings = pipeline.PIPELINE.settings if pipeline.PIPELINE is not None else Settings()
        if patch.setting and not getattr(settings, patch.setting):
            return
        plan = Plan(
            f"{self.name} {patch.target}",
            patch.begin,
            patch.end,
            patch.error,
            patch.carrier,
            self.instrumentation.family,
            self.scope,
        )
        if self.instrumentation.family & DB_CLIENT and self.instrumentation.statements and not patch.setting:
            from platform_instrument.engine import statements  # those of databases alone need it

            statements.complete(plan, patch, settings)
        wrap = partial(drive.observe, plan=plan, context_manager=patch.context_manager)
        self.journal.wrap(owner, _last(patch.target), wrap, otherwise=partial(setattr, plan, "begin", passes))

    def edit(self, owner: Any, patch: EditCall | EditResult) -> None:  # noqa: ANN401 - a module or class
        """Apply an edit to an attribute of `owner`, named by the last part of its target."""
        edit = edits.Edit(f"{self.name} {patch.target}", patch.edit)
        wrapper = edits.edit_call if isinstance(patch, EditCall) else edits.edit_result
        otherwise = partial(setattr, edit, "make", edits.nothing)
        self.journal.wrap(owner, _last(patch.target), partial(wrapper, edit=edit), otherwise=otherwise)

    def time(self, owner: Any, patch: Time) -> None:  # noqa: ANN401 - a module or class
        """Apply a `Time` to an attribute of `owner`, named by the last part of its target."""
        timed = timing.Timed(f"{self.name} {patch.target}", patch.end, patch.error)
        self.journal.wrap(owner, _last(patch.target), partial(timing.timed, timing=timed), otherwise=timed.stop)

    def patch(self, patch: Patch, module: ModuleType) -> None:
        """Apply one patch; AttributeError where its target does not exist."""
        if isinstance(patch, Custom):
            patch.apply(self)
            return
        owner: Any = module
        for step in patch.target.partition(":")[2].split(".")[:-1]:
            owner = getattr(owner, step)
        if isinstance(patch, Observe):
            self.observe(owner, patch)
        elif isinstance(patch, Time):
            self.time(owner, patch)
        else:
            self.edit(owner, patch)


APPLIED: dict[str, Applied] = {}
"""Every instrumentation whose library was imported, by name."""


def arrived(
    settings: Settings,
    entries: tuple[tuple[str, str], ...],
    module: ModuleType,
    needed: Mapping[str, tuple[str, ...]] | None = None,
    used: Mapping[str, str] | None = None,
) -> None:
    """Apply the instrumentations that wait for this module; `entries` are their names and our modules.

    `needed` names, for some of them, settings of which one has to be on: else nothing of theirs is loaded; `used`, for some, a
    function before whose first call nothing is. One that fails does not keep the others from being applied.
    """
    for name, path in entries:
        if name not in APPLIED:
            place, arrive = f"{name} arrival", partial(_arrive, settings, name, path, module, (needed or {}).get(name, ()))
            if used and name in used and not why_off(settings, name):
                guard(place, at_first_call, place, module, used[name], arrive)
            else:
                guard(place, arrive)


def why_off(settings: Settings, name: str, needed: tuple[str, ...] = ()) -> str:
    """Return why an instrumentation is switched off, empty where it is not; of the `needed` settings one has to be on."""
    if not instrumentation_enabled(settings, name):
        return "switched off by the settings"
    if needed and all(getattr(settings, setting) in NOTHING for setting in needed):
        return f"switched off by {' and '.join(Settings.declared[setting].variable for setting in needed)}"
    return ""


def _arrive(settings: Settings, name: str, path: str, module: ModuleType, needed: tuple[str, ...]) -> None:
    reason = why_off(settings, name, needed)
    if reason:
        _off(Applied(name, None), reason)
        return
    instrumentation: Instrumentation = import_module(path).INSTRUMENTATION
    reason = why_off(settings, name, instrumentation.settings)
    if reason:
        _off(Applied(name, instrumentation), reason)
        return
    begin(settings)
    install(instrumentation, module)


def begin(settings: Settings) -> None:
    """Set up the pipeline, once a process."""
    if pipeline.PIPELINE is None:
        choices.put_in_force(settings)
        pipeline.start(settings)
        choices.show_facts(settings)


def _off(applied: Applied, reason: str) -> None:
    applied.undo(OFF, reason)
    APPLIED.setdefault(applied.name, applied)


def install(instrumentation: Instrumentation, module: ModuleType | None = None) -> Applied:
    """Apply an instrumentation to what is imported already, and to the rest when it is imported; twice is once."""
    known = APPLIED.get(instrumentation.name)
    if known is not None and known.status not in {PATCHED, WAITING}:
        del APPLIED[instrumentation.name]
    applied = Applied(instrumentation.name, instrumentation)
    first = APPLIED.setdefault(instrumentation.name, applied)
    if first is not applied:
        return first
    if module is not None:
        applied.version = version_of(module, instrumentation.requires)
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


def let_go() -> None:
    """Hold nothing of the libraries any more: the process ends, and what they hold is to be freed as without us."""
    for applied in APPLIED.values():
        applied.journal.let_go()


def _apply(applied: Applied, patches: list[Patch], module: ModuleType) -> None:
    """Apply the patches of one module; where a required one cannot be applied, undo the whole instrumentation."""
    if applied.status not in {WAITING, PATCHED}:
        return
    place = f"{applied.name} patch"
    missing = guard(place, _patch_all, applied, patches, module)
    if missing is None:
        missing = next((fault.error for fault in faults() if fault.place == place), "a fault of ours")
    if missing:
        applied.undo(UNFIT, f"{missing} (version {applied.version or 'unknown'})")
        say(f"{applied.name} is not instrumented: {applied.reason}", place=applied.name)
        return
    if applied.status not in {WAITING, PATCHED}:  # another thread has undone it meanwhile, in another module
        applied.journal.undo()
        return
    if applied.status == WAITING:
        applied.status = PATCHED
        _say_doubt(applied, module)


def _patch_all(applied: Applied, patches: list[Patch], module: ModuleType) -> str:
    """Apply patches; return what is missing for one that is required, empty when all are in place."""
    for patch in patches:
        try:
            applied.patch(patch, module)
        except (AttributeError, ImportError) as missing:
            if not patch.optional:
                return str(missing)
    return ""


def _say_doubt(applied: Applied, module: ModuleType) -> None:
    """Say once that a version was never tested, which is no reason to leave it unobserved."""
    instrumentation = applied.instrumentation
    if instrumentation is None:
        return
    applied.version = applied.version or version_of(module, instrumentation.requires)
    applied.doubt = doubt(applied.version, instrumentation.requires)
    if applied.doubt:
        say(f"{applied.name} is instrumented, but {applied.doubt}", place=f"doubt {applied.name}")


def _last(target: str) -> str:
    return target.rpartition(":")[2].rpartition(".")[2]


def _count_fault(place: str) -> None:
    """Undo an instrumentation that faults again and again."""
    applied = APPLIED.get(place.partition(" ")[0])
    if applied is None:
        return
    applied.faults += 1
    if applied.faults >= MOST_FAULTS and applied.status == PATCHED:
        applied.undo(UNDONE, f"undone after {MOST_FAULTS} faults")
        say(f"the instrumentation of {applied.name} was undone after {MOST_FAULTS} faults", place=f"undone {applied.name}")


on_fault(_count_fault)
