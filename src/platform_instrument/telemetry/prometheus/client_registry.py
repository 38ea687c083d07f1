"""What the application itself registered with `prometheus_client`, of this process or, with its directory, of all.

Nothing of `prometheus_client` is loaded where the application has not.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.ports.complaints import complain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


def registered(taken: set[str], names: Collection[str], *, openmetrics: bool) -> bytes:
    """Return the families of the application's default registry, without those that have a name of ours."""
    client = sys.modules.get("prometheus_client")
    registry = _registry(client) if client is not None else None
    if registry is None:
        return b""
    from prometheus_client import exposition
    from prometheus_client.openmetrics import exposition as openmetrics_exposition

    write: Any = openmetrics_exposition.generate_latest if openmetrics else exposition.generate_latest
    written: bytes = write(_Remaining(registry, taken, names))
    return written.removesuffix(b"# EOF\n")


def _registry(client: Any) -> Any:  # noqa: ANN401 - the module, its registry or None
    """Return the registry of this process; where the application's processes share a directory, one that reads it."""
    from prometheus_client import values

    if values.ValueClass is values.MutexValue:
        return client.REGISTRY
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = client.CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # it has no types
    except ValueError:
        complain(
            "prometheus_client",
            "PROMETHEUS_MULTIPROC_DIR names no directory; the metrics of prometheus_client are left out: let the directory stay",
        )
        return None
    return registry


class _Remaining:
    """The families of a registry that are wanted and whose names are free."""

    def __init__(self, registry: Any, taken: set[str], names: Collection[str]) -> None:  # noqa: ANN401 - a registry
        self._registry = registry
        self._taken = taken
        self._names = names

    def collect(self) -> Iterator[Any]:
        """Return them, as the writers of `prometheus_client` ask for them."""
        for family in self._registry.collect():
            own = {family.name, *[sample.name for sample in family.samples]}
            if not own.isdisjoint(self._taken):
                complain(
                    f"name {family.name}", f"{family.name} of prometheus_client has the name of a metric of ours; it is left out"
                )
            elif not self._names or not own.isdisjoint(self._names):
                yield family
