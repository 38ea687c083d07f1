"""Upstream's instrumentors, for what we do not observe ourselves: each is loaded when its library is imported, or never.

What is installed is read off the folders of `sys.path` at start; the lists of entry points, which cost 40 ms, are not asked.
An instrumentor that the service switches on in its own code is the service's: ours is taken back before.
Source: https://github.com/open-telemetry/opentelemetry-python-contrib; opentelemetry/instrumentation/instrumentor.py (0.42 on).
"""

from __future__ import annotations

import os
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from platform_instrument.config.switches import CONTRIB, NATIVE, chosen, instrumentation_enabled
from platform_instrument.core.report import say
from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.engine import imports
from platform_instrument.instrumentations._index import TRIGGERS

if TYPE_CHECKING:
    from types import ModuleType

    from platform_instrument.config.schema import Settings
    from platform_instrument.core.values import Call, Changes

PACKAGE = "opentelemetry.instrumentation"
_OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
_STABLE = "http,database"

LIBRARIES = {
    "aiohttp_client": "aiohttp", "aiohttp_server": "aiohttp", "boto3sqs": "boto3", "google_genai": "google.genai",
    "grpc": "grpc", "langchain": "langchain_core", "mysql": "mysql", "mysqlclient": "MySQLdb", "openai_agents": "agents",
    "openai_v2": "openai", "tortoiseorm": "tortoise",
}  # fmt: skip
"""What is imported where an instrumentor is for it, as far as both are not called the same."""

SAME = {"aiohttp_server": "aiohttp_web", "grpc": "grpc_client"}
"""What instrumentations of ours are called that observe what an instrumentor of another name does."""

NO_LIBRARY = frozenset(("asgi", "auto_instrumentation", "dbapi", "system_metrics", "wsgi"))
"""Packages for no library, or for what our servers and runtime metrics have."""

_made: list[Any] = []
"""The instrumentors that we have switched on."""


def wait(settings: Settings, names: set[str]) -> None:
    """Wait for the libraries of these instrumentors, by the names of their packages, as far as they are wanted."""
    for name in names_wanted(settings, names):
        imports.when_imported(LIBRARIES.get(name, name), partial(_arrived, settings, name))
    for name, choice in settings.instrumentation_switches.items():
        if choice == CONTRIB and name not in names:
            remedy = f"install opentelemetry-instrumentation-{name.replace('_', '-')}"
            say(f"PLATFORM_INSTRUMENTATION_{name.upper()}=contrib, but upstream's instrumentor is not installed; {remedy}")
            settings.instrumentation_switches[name] = NATIVE


def names_wanted(settings: Settings, names: set[str]) -> list[str]:
    """Return the instrumentors that are to be loaded: one for what is ours too, only where the settings prefer it."""
    native = {name for entries in TRIGGERS.values() for name, _ in entries} | NO_LIBRARY
    found = []
    for name in sorted(names):
        ours = SAME.get(name, name)
        if instrumentation_enabled(settings, name, aliases=(ours,), native=False) and (
            CONTRIB in {chosen(settings, name), chosen(settings, ours)} or not native & {name, ours}
        ):
            found.append(name)
    return found


def _arrived(settings: Settings, name: str, module: ModuleType) -> None:
    """Switch an instrumentor on, by the same way as what is ours: contained, recorded, undone as a whole."""
    from platform_instrument.distro.arrival import install

    if find_spec(f"{PACKAGE}.{name}") is None:  # a folder that something uninstalled has left
        return
    trigger = LIBRARIES.get(name, name)
    patches = (
        EditCall(f"{PACKAGE}.instrumentor:BaseInstrumentor.instrument", _leave_to_the_application, optional=True),
        Custom(trigger, partial(_switch_on, name)),
    )
    install(settings, Instrumentation(name, trigger, patches, modules=(trigger,), native=False), module)


def _switch_on(name: str, changes: Changes) -> None:
    """Switch the instrumentors of a package on; ImportError where none fits the libraries that are there."""
    package: Any = import_module(f"{PACKAGE}.{name}")
    base = import_module(f"{PACKAGE}.instrumentor").BaseInstrumentor  # untyped in old versions
    kinds = [kind for kind in vars(package).values() if isinstance(kind, type) and issubclass(kind, base) and kind is not base]
    _prefer_stable_names()
    fitting, conflict = [], None
    for instrumentor in [kind() for kind in dict.fromkeys(kinds)]:
        found = instrumentor._check_dependency_conflicts()  # noqa: SLF001 - `instrument` would only log it
        if not found:
            fitting.append(instrumentor)
        elif conflict is None or found.found:  # one of several may be for another library, which is not there
            conflict = found
    if conflict is not None and not fitting:
        raise ImportError(str(conflict))
    for instrumentor in fitting:
        if not instrumentor.is_instrumented_by_opentelemetry:  # by the service
            instrumentor.instrument()
            _made.append(instrumentor)
            changes.on_undo(partial(_switch_off, instrumentor))


def _switch_off(instrumentor: Any) -> None:  # noqa: ANN401 - upstream's
    """Switch an instrumentor off, unless it is the service's by now."""
    if instrumentor in _made:
        _made.remove(instrumentor)
        instrumentor.uninstrument()


def _leave_to_the_application(call: Call) -> None:
    """Take ours back where the service switches the same one on, with options of its own perhaps."""
    _switch_off(call.instance)


def _prefer_stable_names() -> None:
    """Let instrumentors write the stable names of the conventions, unless the service says which: they read it once."""
    conventions = import_module(f"{PACKAGE}._semconv")
    stability = getattr(conventions, "_OpenTelemetrySemanticConventionStability", None)
    if stability is None or _OPT_IN in os.environ:
        return
    os.environ[_OPT_IN] = _STABLE
    try:
        stability._initialize()  # noqa: SLF001 - it has no other door
    finally:
        del os.environ[_OPT_IN]
