"""An instrumentor of upstream's, as an instrumentation like ours: with one patch, which is to switch it on.

One that the service switches on in its own code is the service's: ours is taken back before.
Source: opentelemetry/instrumentation/instrumentor.py, opentelemetry/instrumentation/_semconv.py (0.42 to 0.66).
"""

from __future__ import annotations

import os
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.distro.arrival import install

if TYPE_CHECKING:
    from types import ModuleType

    from platform_instrument.config.schema import Settings
    from platform_instrument.core.values import Call, Changes

PACKAGE = "opentelemetry.instrumentation"
_OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
_STABLE = "http,database"

_made: list[Any] = []
"""The instrumentors that we have switched on."""


def arrived(settings: Settings, name: str, trigger: str, module: ModuleType) -> None:
    """Switch an instrumentor on, by the same way as what is ours: contained, recorded, undone as a whole."""
    if find_spec(f"{PACKAGE}.{name}") is None:  # a folder that something uninstalled has left
        return
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
