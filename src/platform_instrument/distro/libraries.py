"""Which libraries of this environment we know, in which version, and what we would do with each; imports none of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom
from platform_instrument.distro import contrib, startup
from platform_instrument.distro.finding import Finding
from platform_instrument.engine.apply import OFF, PATCHED, UNDONE, UNFIT, WAITING, why_off
from platform_instrument.engine.versions import doubt, name_of
from platform_instrument.instrumentations._index import TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from platform_instrument.config.schema import Settings
    from platform_instrument.core.values import Instrumentation

WOULD, UNUSED = "would patch", "not imported"


@dataclass(slots=True)
class Library:
    """One library that is installed; `status` is one of the engine's, or one of ours before it was tried."""

    name: str
    distribution: str
    version: str
    requires: str
    status: str
    reason: str = ""
    doubt: str = ""
    """Why its version is doubtful, which keeps nobody from patching it."""
    modules: tuple[str, ...] = ()
    """What is imported when every part of it is used."""
    patches: list[str] = field(default_factory=list)

    def described(self) -> dict[str, Any]:
        """Return it as JSON."""
        names = ("name", "distribution", "version", "requires", "status", "reason", "doubt", "patches")
        return {name: getattr(self, name) for name in names}


def installed(settings: Settings) -> list[Library]:
    """Return the libraries that are installed and that we have an instrumentation for."""
    distributions = packages_distributions()
    found: dict[str, Library] = {}
    for trigger, entries in sorted(TRIGGERS.items()):
        top = trigger.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in distributions and find_spec(top) is None:
            continue
        for name, path in entries:
            if name in found:
                found[name].modules = (trigger, *found[name].modules)
                continue
            module = guard(f"{name} in doctor", import_module, path)
            if module is not None:
                known = module.INSTRUMENTATION
                names = (name_of(known.requires), *sorted(distributions.get(top, ())))  # many may share one namespace
                library = _library(settings, name, known, _distribution(top, names))
                library.modules = (trigger, *library.modules)
                found[name] = library
    return [*found.values()] + [
        _upstream(name, distributions) for name in contrib.names_wanted(settings, startup.instrumentors())
    ]


def _upstream(name: str, distributions: Mapping[str, list[str]]) -> Library:
    """Return what an instrumentor of upstream's would do."""
    trigger = contrib.LIBRARIES.get(name, name)
    distribution, number = _distribution(trigger, distributions.get(trigger.partition(".")[0], ()))
    return Library(name, distribution, number, "", WOULD, modules=(trigger,))


def unknown_names(settings: Settings) -> list[Finding]:
    """Return the names in our lists of libraries that nobody knows."""
    ours = {name for entries in TRIGGERS.values() for name, _ in entries} | startup.instrumentors()
    given = [("PLATFORM_INSTRUMENTATIONS", name) for name in settings.instrumentations or ()]
    given += [("PLATFORM_DISABLED_INSTRUMENTATIONS", name) for name in settings.disabled_instrumentations]
    given += [(f"PLATFORM_INSTRUMENTATION_{name.upper()}", name) for name in settings.instrumentation_switches]
    remedy = f"the names are {', '.join(sorted(ours))}"
    unknown = [(variable, name) for variable, name in given if name not in ours | {"*"}]
    return [
        Finding("PI203", variable, f"names {name!a}, which no instrumentation is called", remedy) for variable, name in unknown
    ]


def merge(libraries: Iterable[Library], applied: Iterable[Mapping[str, Any]]) -> None:
    """Take over what a process says became of each library; where several do, the worst of it."""
    order = [PATCHED, WAITING, OFF, UNFIT, UNDONE]
    by_name = {library.name: library for library in libraries}
    for record in applied:
        library = by_name.get(record["name"])
        if library is None:
            continue
        known = order.index(library.status) if library.status in order else -1
        if order.index(record["status"]) >= known:
            library.status, library.reason = record["status"], record["reason"]
        library.version = library.version or record["version"]
        library.doubt = record["doubt"] or library.doubt
        library.patches = sorted({*library.patches, *record["patches"]})


def findings(libraries: Iterable[Library]) -> list[Finding]:
    """Return what is wrong with libraries."""
    found = []
    for library in libraries:
        title = f"{library.name} {library.version}".strip()
        if library.status == UNDONE:
            found.append(Finding("PI304", title, library.reason, "report it with the faults listed here"))
        elif library.status == UNFIT:
            remedy = f"report it; PLATFORM_INSTRUMENTATION_{library.name.upper()}=false silences this"
            if library.doubt:
                remedy = f"install {library.requires}, or {remedy}"
            found.append(Finding("PI303", title, f"is not instrumented: {library.reason}", remedy))
        elif library.status != OFF and library.doubt:
            found.append(Finding("PI301", title, library.doubt, "watch its spans, or install a version that is tested"))
        elif library.status != OFF and not library.version:
            found.append(Finding("PI302", title, "its version is unknown", "watch its spans, or install it by a package manager"))
    return found


def _library(settings: Settings, name: str, known: Instrumentation, found: tuple[str, str]) -> Library:
    """Return what we would do with a library, as far as its version tells."""
    distribution, number = found
    patches = [patch for patch in known.patches if not patch.optional]
    modules = {patch.module if isinstance(patch, Custom) else patch.target.partition(":")[0] for patch in patches}
    library = Library(
        name, distribution, number, known.requires, WOULD, doubt=doubt(number, known.requires), modules=tuple(sorted(modules))
    )
    reason = why_off(settings, name, known.settings)
    if reason:
        library.status, library.reason = OFF, reason
    return library


def _distribution(top: str, names: Iterable[str]) -> tuple[str, str]:
    """Return the distribution that a module comes from, one of `names`, and its version; empty where it is not known."""
    if top in sys.stdlib_module_names:
        return "python", ".".join(map(str, sys.version_info[:3]))
    for name in names:
        try:
            return name, version(name) or ""
        except PackageNotFoundError:
            continue
    return "", ""
