"""What the container lets the process have, and how much of it is used: from cgroups, version 1 and 2.

Limits of the groups above hold too: the tightest is told, and the usage of the group that has it. Outside of a container, where
there is no limit, nothing is told. The usage is a gauge, where the conventions have an up-down counter: all processes of a
container see the same one, and their sum is nothing.
Source: https://opentelemetry.io/docs/specs/semconv/system/container-metrics/ (version 1.45.0; limits have no convention);
Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from platform_instrument.core.values import GAUGE, Instrument
from platform_instrument.runtime.metrics.series import content, number, put, series

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = Instrument(
    "container.memory.usage", "Memory that the container uses.", unit="By", kind=GAUGE, merged="max", observable=True
)
MEMORY_LIMIT = Instrument(
    "platform.container.memory.limit",
    "Memory that the container may use.",
    unit="By",
    kind=GAUGE,
    merged="max",
    observable=True,
)
CPU_LIMIT = Instrument(
    "platform.container.cpu.limit", "CPUs that the container may use.", unit="{cpu}", kind=GAUGE, merged="max", observable=True
)

_memory, _memory_limit, _cpu_limit = series(MEMORY), series(MEMORY_LIMIT), series(CPU_LIMIT)

_UNLIMITED = 1 << 62
"""What version 1 says where there is no limit is some pages less than 2^63."""


class Container(NamedTuple):
    """Bytes and CPUs; None where there is no limit, or no way to tell."""

    memory: int | None
    memory_limit: int | None
    cpu_limit: float | None


def observe(root: str = "/") -> None:
    """Ask how the container is."""
    found = container(root)
    put(_memory, found.memory)
    put(_memory_limit, found.memory_limit)
    put(_cpu_limit, found.cpu_limit)


def container(root: str = "/") -> Container:
    """Return what the files below `root` say of this process's container."""
    mounts = f"{root}sys/fs/cgroup"
    groups = dict(_groups(content(f"{root}proc/self/cgroup")))
    if content(f"{mounts}/cgroup.controllers"):
        return _unified(mounts, groups.get("", "/"))
    return _legacy(mounts, groups)


def _groups(text: str) -> Iterator[tuple[str, str]]:
    """Read `4:cpu,cpuacct:/path` and, for version 2, `0::/path`: the path by controller."""
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            yield controller, path


def _above(mount: str, path: str) -> Iterator[str]:
    """Return the folders of a group and of those above it; what is not mounted here, as in a container, is left out."""
    while path.strip("/") and ".." not in path:
        yield f"{mount}{path}"
        path = path.rpartition("/")[0]
    yield mount


def _unified(mount: str, path: str) -> Container:
    """Read version 2."""
    folders = list(_above(mount, path))
    memory = [(limit, folder) for folder in folders if (limit := number(content(f"{folder}/memory.max"))) is not None]
    limit, folder = min(memory, default=(None, mount))
    quotas = [content(f"{folder}/cpu.max").split() for folder in folders]
    return Container(number(content(f"{folder}/memory.current")), limit, _cpus(quotas))


def _legacy(mounts: str, groups: dict[str, str]) -> Container:
    """Read version 1."""
    folders = list(_above(f"{mounts}/memory", groups.get("memory", "/")))
    limits = [(number(content(f"{folder}/memory.limit_in_bytes")), folder) for folder in folders]
    memory = [(limit, folder) for limit, folder in limits if limit is not None and limit < _UNLIMITED]
    limit, folder = min(memory, default=(None, ""))
    usage = number(content(f"{folder}/memory.usage_in_bytes")) if folder else None
    folders = list(_above(f"{mounts}/cpu", groups.get("cpu", "/")))
    quotas = [[content(f"{folder}/cpu.cfs_{part}_us") for part in ("quota", "period")] for folder in folders]
    return Container(usage, limit, _cpus(quotas))


def _cpus(quotas: list[list[str]]) -> float | None:
    """Return the least share of CPU time among some quotas and their periods, in CPUs; without a quota there is no limit."""
    pairs = [(number(quota[0]), number(quota[1])) for quota in quotas if len(quota) > 1]
    return min((quota / period for quota, period in pairs if quota is not None and period), default=None)
