"""Upstream's instrumentors, for what we do not observe ourselves: each is loaded when its library is imported, or never.

What is installed is read off the folders of `sys.path` at start; the lists of entry points, which cost 40 ms, are not asked.
Start path where there is one: imports only what a bare interpreter already has.
Source: https://github.com/open-telemetry/opentelemetry-python-contrib (0.42 to 0.66).
"""

from __future__ import annotations

from platform_instrument.config.switches import CONTRIB, NATIVE, chosen, instrumentation_enabled
from platform_instrument.core.report import say
from platform_instrument.engine import imports
from platform_instrument.instrumentations._index import TRIGGERS

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from platform_instrument.config.schema import Settings

LIBRARIES = {
    "aiohttp_client": "aiohttp", "aiohttp_server": "aiohttp", "boto3sqs": "boto3", "google_genai": "google.genai",
    "grpc": "grpc", "langchain": "langchain_core", "mysql": "mysql", "mysqlclient": "MySQLdb", "openai_agents": "agents",
    "openai_v2": "openai", "tortoiseorm": "tortoise",
}  # fmt: skip
"""What is imported where an instrumentor is for it, as far as both are not called the same."""

SAME = {"grpc": "grpc_client"}
"""What instrumentations of ours are called that observe what an instrumentor of another name does."""

NO_LIBRARY = frozenset(("asgi", "auto_instrumentation", "dbapi", "system_metrics", "wsgi"))
"""Packages for no library, or for what our servers and runtime metrics have."""


def wait(settings: Settings, names: set[str]) -> None:
    """Wait for the libraries of these instrumentors, by the names of their packages, as far as they are wanted."""
    for name in names_wanted(settings, names):
        imports.when_imported(LIBRARIES.get(name, name), _hook(settings, name))
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


def _hook(settings: Settings, name: str) -> Callable[[ModuleType], None]:
    """Return the import hook of one library; what switches its instrumentor on is loaded by the first that fires."""

    def arrive(module: ModuleType) -> None:
        from platform_instrument.distro.instrumentors import arrived

        arrived(settings, name, LIBRARIES.get(name, name), module)

    return arrive
