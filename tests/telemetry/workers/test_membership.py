"""Slots: the lowest that is free, never two processes in one, taken over from the dead; services do not mix."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from platform_instrument.config.read import read
from platform_instrument.telemetry.workers import founding, membership
from tests.processes import door, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TELL = """
import json, os, subprocess, sqlite3, sys
from platform_instrument.config.read import read
from platform_instrument.telemetry.resource import resource_attributes

def tell(**more):
    found = resource_attributes(read(os.environ)[0])
    sys.stdout.write(json.dumps({"id": found["service.instance.id"], "pid": os.getpid(), **more}) + "\\n")
    sys.stdout.flush()

def child(work):
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    return pid

"""


def told(program: str) -> list[dict[str, str]]:
    """Return all that a program and its children tell."""
    argv, env = door("command", [sys.executable, "-c", TELL + program])
    return _told(argv, env)


def told_by_file(program: str, folder: Path, env: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """Return what a program tells that starts its own file again."""
    file = folder / "program.py"
    file.write_text(TELL + program)
    argv, variables = door("pth", [sys.executable, file])
    return _told(argv, {**variables, **(env or {})})


def _told(argv: Sequence[str | Path], env: Mapping[str, str]) -> list[dict[str, str]]:
    done = run(argv, env={**env, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"})
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


RECYCLED = """
tell()
for _ in range(3):
    os.waitpid(child(tell), 0)
pid = child(lambda: (tell(), os.kill(os.getpid(), 9)))
os.waitpid(pid, 0)
os.waitpid(child(tell), 0)
"""


def test_a_process_takes_over_the_slot_of_one_that_has_ended_however_it_did() -> None:
    first, *children = told(RECYCLED)
    assert len({each["pid"] for each in children}) == 5
    assert len({each["id"] for each in children}) == 1
    assert first["id"] != children[0]["id"]


TOGETHER = """
read_end, write_end = os.pipe()
pids = [child(lambda: (tell(), os.close(write_end), os.read(read_end, 1))) for _ in range(8)]
os.close(write_end)
for pid in pids:
    os.waitpid(pid, 0)
"""


def test_no_two_processes_that_live_have_the_same_slot() -> None:
    found = told(TOGETHER)
    assert len({each["id"] for each in found}) == len(found) == 8


SPAWNED = """
tell()
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "spawned"], check=True)
"""


@pytest.mark.parametrize("name", [{}, {"OTEL_SERVICE_NAME": "shop"}])
def test_a_child_that_was_not_forked_is_of_its_parents_service(name: Mapping[str, str], tmp_path: Path) -> None:
    parent, spawned = told_by_file(SPAWNED, tmp_path, name)
    assert parent["id"][:24] == spawned["id"][:24]
    assert parent["id"] != spawned["id"]


SUPERVISOR = """
if len(sys.argv) == 1:
    tell()
    for name in ("shop", "stock"):
        subprocess.run([sys.executable, __file__, name], env={**os.environ, "OTEL_SERVICE_NAME": name}, check=True)
elif len(sys.argv) == 2:
    tell(service=sys.argv[1])
    subprocess.run([sys.executable, __file__, sys.argv[1], "worker"], check=True)
else:
    tell(service=sys.argv[1])
"""


def test_two_services_under_one_supervisor_are_two_and_each_has_its_workers(tmp_path: Path) -> None:
    trees = [(each.get("service"), each["id"][:24]) for each in told_by_file(SUPERVISOR, tmp_path)]
    assert len(trees) == 5
    assert len(set(trees)) == len({tree for _, tree in trees}) == 3


def test_a_process_whose_descriptors_were_all_closed_is_alone_and_nobodys_double() -> None:
    found = told("tell()\nos.waitpid(child(lambda: (os.closerange(3, 4096), tell(), tell())), 0)\ntell()")
    first, second, again, last = (each["id"] for each in found)
    assert second == again != first == last


CLOSED = """
tell()
def work():
    tell()
    os.closerange(3, 4096)
    if TAKEN:
        os.waitpid(child(tell), 0)
    tell()
    tell()
os.waitpid(child(work), 0)
tell()
"""


def test_a_worker_whose_descriptors_were_all_closed_goes_on_in_its_slot_which_has_what_it_counted(tmp_path: Path) -> None:
    first, before, after, again, last = (each["id"] for each in told_by_file(CLOSED.replace("TAKEN", "False"), tmp_path))
    assert before == after == again != first == last


def test_a_worker_whose_slot_was_taken_meanwhile_is_alone(tmp_path: Path) -> None:
    told = told_by_file(CLOSED.replace("TAKEN", "True"), tmp_path)
    _, before, other, after, again, _ = (each["id"] for each in told)
    assert after == again not in {before, other}


def test_without_such_memory_a_process_has_a_random_id_or_adds_its_own_to_the_one_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(founding.Founded, "descriptor", -1)
    for name, value in (("ledger", None), ("slot", None), ("settled", False)):
        monkeypatch.setattr(membership._Here, name, value)
    settings = read({})[0]
    membership.settle(settings)
    assert len({membership.instance_id(settings) for _ in range(10)}) == 10
    given = read({"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=shop-1"})[0]
    assert membership.instance_id(given) == "shop-1"
    given.instance = "1"
    assert membership.instance_id(given) == f"shop-1.{os.getpid()}"


REPLACED = """
tell()
if len(sys.argv) == 1:
    os.execv(sys.executable, [sys.executable, __file__, "again"])
"""


def test_a_program_that_replaces_itself_is_another_instance(tmp_path: Path) -> None:
    first, second = told_by_file(REPLACED, tmp_path)
    assert first["pid"] == second["pid"]
    assert first["id"] != second["id"]


LIVED_BESIDE = """
own = child(tell)
os.waitpid(own, 0)
tell()
later = child(tell)
os.waitpid(later, 0)
"""


def test_who_has_lived_beside_another_does_not_take_over_its_slot() -> None:
    child, parent, later = told(LIVED_BESIDE)
    assert parent["id"] != child["id"]
    assert later["id"] == child["id"], "a process that began after it had ended does"


OVERLAPPING = """
import time
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.workers import membership

taken, end, over = os.pipe(), os.pipe(), os.pipe()

def before():
    membership.slot()
    os.write(taken[1], b"x")
    os.read(end[0], 1)
    tell(at=time.time_ns())

def after():
    os.read(over[0], 1)
    membership.slot()
    tell(at=METRICS.start_ns)

first = child(before)
os.read(taken[0], 1)
second = child(after)
os.write(end[1], b"x")
os.waitpid(first, 0)
os.write(over[1], b"x")
os.waitpid(second, 0)
"""


def test_the_series_of_a_slot_begin_where_those_of_the_one_before_have_ended() -> None:
    before, after = told(OVERLAPPING)
    assert before["id"] == after["id"]
    assert int(before["at"]) <= int(after["at"])


@pytest.mark.parametrize(
    "other",
    [
        {"OTEL_SERVICE_NAME": "stock"},
        {"OTEL_METRICS_EXPORTER": "prometheus"},
        {"PLATFORM_ADMIN_PORT": "8081"},
        {"PLATFORM_ADMIN_PORT": "8080", "PLATFORM_ADMIN_HOST": "0.0.0.0"},  # noqa: S104 - a value to read
    ],
)
def test_a_process_that_answers_elsewhere_is_another_service(other: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(founding.Founded, "descriptor", -1)
    monkeypatch.setattr(founding.Founded, "identity", (0, 0))
    shop = {"OTEL_SERVICE_NAME": "shop", "PLATFORM_ADMIN_PORT": "8080"}
    trees = []
    for environ in (shop, shop, {**shop, **other}):
        monkeypatch.setattr(membership._Here, "settled", False)
        monkeypatch.setattr(membership._Here, "ledger", None)
        membership.settle(read(environ)[0])
        ledger = membership.ledger()
        assert ledger is not None
        trees.append(ledger.tree)
    founding.forget()
    assert trees[0] == trees[1] != trees[2]
