"""What a container may have and what it uses is read from cgroups of both versions, and nothing is told where there is no limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from platform_instrument.runtime.metrics import container
from platform_instrument.runtime.metrics.container import Container

MIB = 1024 * 1024
NO_LIMIT = "9223372036854771712\n"


def tree(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return f"{root}/"


V2 = {"sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n"}

CASES: dict[str, tuple[dict[str, str], Container]] = {
    "version 2, a container with its own view": (
        {
            **V2,
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": f"{512 * MIB}\n",
            "sys/fs/cgroup/memory.current": f"{100 * MIB}\n",
            "sys/fs/cgroup/cpu.max": "150000 100000\n",
        },
        Container(100 * MIB, 512 * MIB, 1.5),
    ),
    "version 2, a container without limits": (
        {
            **V2,
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": "max\n",
            "sys/fs/cgroup/memory.current": "4096\n",
            "sys/fs/cgroup/cpu.max": "max 100000\n",
        },
        Container(4096, None, None),
    ),
    "version 2, a host, a limit two groups up": (
        {
            **V2,
            "proc/self/cgroup": "0::/kubepods/pod1/app\n",
            "sys/fs/cgroup/kubepods/pod1/app/memory.max": "max\n",
            "sys/fs/cgroup/kubepods/pod1/app/memory.current": f"{10 * MIB}\n",
            "sys/fs/cgroup/kubepods/pod1/memory.max": f"{64 * MIB}\n",
            "sys/fs/cgroup/kubepods/pod1/memory.current": f"{20 * MIB}\n",
            "sys/fs/cgroup/kubepods/memory.max": f"{640 * MIB}\n",
            "sys/fs/cgroup/kubepods/pod1/app/cpu.max": "50000 100000\n",
            "sys/fs/cgroup/kubepods/pod1/cpu.max": "25000 100000\n",
        },
        Container(20 * MIB, 64 * MIB, 0.25),
    ),
    "version 2, a host without limits": ({**V2, "proc/self/cgroup": "0::/user.slice\n"}, Container(None, None, None)),
    "version 2, a path from outside of the container": (
        {
            **V2,
            "proc/self/cgroup": "0::/../../system.slice/docker.scope\n",
            "sys/fs/cgroup/memory.max": f"{MIB}\n",
            "sys/fs/cgroup/memory.current": "1\n",
        },
        Container(1, MIB, None),
    ),
    "version 1, a container that sees the host's paths": (
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{256 * MIB}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{30 * MIB}\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
        Container(30 * MIB, 256 * MIB, 2.0),
    ),
    "version 1, a host, a group of its own": (
        {
            "proc/self/cgroup": "4:memory:/app\n1:cpu:/app\n0::/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT,
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{900 * MIB}\n",
            "sys/fs/cgroup/memory/app/memory.limit_in_bytes": f"{8 * MIB}\n",
            "sys/fs/cgroup/memory/app/memory.usage_in_bytes": f"{2 * MIB}\n",
            "sys/fs/cgroup/cpu/app/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/app/cpu.cfs_period_us": "100000\n",
        },
        Container(2 * MIB, 8 * MIB, None),
    ),
    "version 1, a host without limits": (
        {
            "proc/self/cgroup": "4:memory:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT,
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "5\n",
        },
        Container(None, None, None),
    ),
    "no cgroups at all": ({}, Container(None, None, None)),
    "nonsense": (
        {
            **V2,
            "proc/self/cgroup": "\0\n:\nx\n0::\n::::\n",
            "sys/fs/cgroup/memory.max": "-7\n",
            "sys/fs/cgroup/memory.current": "²\n",
            "sys/fs/cgroup/cpu.max": "1 0\n",
        },
        Container(None, None, None),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_tightest_limit_is_told_and_the_usage_of_the_group_that_has_it(case: str, tmp_path: Path) -> None:
    files, expected = CASES[case]
    assert container.container(tree(tmp_path, files)) == expected


def test_a_limit_that_is_lifted_leaves_no_series_behind(tmp_path: Path) -> None:
    files = CASES["version 2, a container with its own view"][0]
    container.observe(tree(tmp_path, files))
    assert (container._memory.value, container._memory_limit.value, container._cpu_limit.value) == (100 * MIB, 512 * MIB, 1.5)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("max\n")
    container.observe(f"{tmp_path}/")
    assert container._memory.touched
    assert not container._memory_limit.touched


def test_files_that_may_not_be_read_are_no_fault(tmp_path: Path) -> None:
    root = tree(tmp_path, CASES["version 2, a container with its own view"][0])
    (tmp_path / "sys/fs/cgroup/memory.max").unlink()
    (tmp_path / "sys/fs/cgroup/memory.max").mkdir()  # what even root cannot read
    assert container.container(root) == Container(100 * MIB, None, 1.5)


def test_here_the_numbers_are_those_of_the_files() -> None:
    found = container.container()
    group = next((line for line in Path("/proc/self/cgroup").read_text().splitlines() if ":memory:" in line), "")
    folder = Path("/sys/fs/cgroup/memory" + group.rpartition(":")[2])
    if not group or not (folder / "memory.limit_in_bytes").exists():
        pytest.skip("no memory controller of version 1 here")
    limit = int((folder / "memory.limit_in_bytes").read_text())
    assert found.memory_limit is None or found.memory_limit <= limit
