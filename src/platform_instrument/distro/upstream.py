"""The door of `opentelemetry-instrument`: the distro and the configurator that its entry points find.

Upstream imports its instrumentation package, and often the SDK, before it comes here; no other door loads this module.
Source: opentelemetry/instrumentation/auto_instrumentation/_load.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined] # the module opts out of typing

from platform_instrument.core.guard import guard
from platform_instrument.distro import startup
from platform_instrument.distro.agents import owned

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

DOOR = "opentelemetry-instrument"


class PlatformDistro(BaseDistro):  # type: ignore[misc] # untyped in old versions
    """Starts what every other door starts; upstream's instrumentors are loaded for libraries that are not ours."""

    def _configure(self, **_options: Any) -> None:  # noqa: ANN401 - upstream's signature
        guard("start", startup.start, DOOR)

    def load_instrumentor(self, entry_point: EntryPoint, **options: Any) -> None:  # noqa: ANN401 - upstream's signature
        """Load an instrumentor of upstream's, unless we observe its library ourselves: one owner of each span."""
        if not owned(entry_point.name):
            super().load_instrumentor(entry_point, **options)


class PlatformConfigurator:
    """Has nothing left to configure: exporters, samplers and resource are set up with the first library."""

    def configure(self, **_options: Any) -> None:  # noqa: ANN401 - upstream's signature
        """Start, where another distro was chosen beside this configurator."""
        guard("start", startup.start, DOOR)
