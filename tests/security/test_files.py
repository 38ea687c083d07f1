"""Nothing of ours lies where others can read or change it: no files at all, and doctor's in a folder that nobody can find."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.examination import COMMAND
from tests.processes import door, free_port, run
from tests.security.test_listening import ALL_ON

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

LISTS = """
import json, os, sqlite3, sys, time
os.umask(0)
for _ in range(3):
    sqlite3.connect(":memory:").execute("SELECT 1").fetchall()
if not os.fork():
    sqlite3.connect(":memory:").execute("SELECT 2").fetchall()
    time.sleep(0.8)
    sys.exit()
time.sleep(0.8)
os.wait()
kept = {}
for link in os.listdir("/proc/self/fd"):
    try:
        kept[link] = os.readlink(f"/proc/self/fd/{link}")
    except OSError:
        pass
print(json.dumps(sorted(set(name.partition(":")[0] for name in kept.values() if int(link) > 2))))
"""


def everything(folder: Path) -> set[str]:
    """Return what is below a folder."""
    return {str(file.relative_to(folder)) for file in folder.rglob("*")}


def test_a_process_writes_no_file(tmp_path: Path, collector: Collector) -> None:
    """Whatever is switched on, the ports and the memory that workers share too."""
    places = {name: tmp_path / name for name in ("home", "tmp", "cwd", "run")}
    for place in places.values():
        place.mkdir()
    env = {
        **ALL_ON,
        "OTEL_METRICS_EXPORTER": "otlp,prometheus",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(free_port()),
        "PLATFORM_ADMIN_PORT": str(free_port()),
        "HOME": str(places["home"]),
        "TMPDIR": str(places["tmp"]),
        "XDG_RUNTIME_DIR": str(places["run"]),
        "XDG_CACHE_HOME": str(places["run"]),
    }
    argv, variables = door("command", [sys.executable, "-B", "-c", LISTS])
    ended = run(argv, env={**variables, **env}, collector=collector, cwd=places["cwd"])
    assert ended.returncode == 0, ended.stderr
    assert everything(tmp_path) == set(places)
    assert len(collector.spans) == 4


BOX = """
import json, os, sqlite3, stat, sys
sqlite3.connect(":memory:").execute("SELECT 1").fetchall()
box = os.environ["_PLATFORM_INSTRUMENT_RECORD"]
passage = os.path.dirname(box)
print(json.dumps([box, *(oct(stat.S_IMODE(os.stat(each).st_mode)) for each in (box, passage))]))
if len(sys.argv) > 1:
    os.setgid(65534); os.setuid(65534)
"""


def test_the_records_of_doctor_are_where_nobody_finds_them(tmp_path: Path) -> None:
    ended = run(
        [COMMAND, "doctor", "--", sys.executable, "-c", BOX],
        env={"TMPDIR": str(tmp_path), "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
    )
    box, inner, outer = json.loads(ended.stdout.splitlines()[0])
    assert Path(box).parent.parent == tmp_path
    assert len(Path(box).name) == 32
    assert (inner, outer) == ("0o1733", "0o711")
    assert everything(tmp_path) == set()


def test_a_worker_of_somebody_else_leaves_its_record_and_cannot_look_around() -> None:
    if os.geteuid():
        pytest.skip("only root can be somebody else")
    looks = BOX + (
        "for look in (os.listdir, lambda each: open(each + '/planted', 'r')):\n"
        "    for each in (passage, box):\n"
        "        try:\n"
        "            look(each); print('seen', each)\n"
        "        except OSError as error: print(type(error).__name__)\n"
    )
    ended = run(
        [COMMAND, "doctor", "--", sys.executable, "-c", looks, "dropped"],
        env={"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
    )
    assert ended.stdout.splitlines()[1:5] == ["PermissionError", "PermissionError", "FileNotFoundError", "FileNotFoundError"]
    assert "instrumented (sqlite3)" in ended.stdout


def test_the_memory_that_workers_share_has_no_name_and_is_its_owner_s() -> None:
    """Whoever may look into `/proc/<pid>/fd` may trace the process, and could do anything with it."""
    shown = (
        "import os, sqlite3, stat, sys\n"
        "sqlite3.connect(':memory:').execute('SELECT 1').fetchall()\n"
        "mine = [int(each) for each in os.listdir('/proc/self/fd')]\n"
        "for each in mine:\n"
        "    try:\n"
        "        name = os.readlink(f'/proc/self/fd/{each}')\n"
        "    except OSError: continue\n"
        "    if 'platform-instrument' in name: print(name, os.fstat(each).st_nlink, os.fstat(each).st_uid == os.geteuid(), os.get_inheritable(each))\n"
    )
    env = {
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(free_port()),
    }
    argv, variables = door("command", [sys.executable, "-c", shown])
    ended = run(argv, env={**variables, **env})
    assert ended.stdout == "/memfd:platform-instrument (deleted) 0 True False\n"
