"""Programs that nobody says of when they are loaded: no server, a silent one, one that has not begun."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from platform_instrument.runtime.health import loading
from platform_instrument.runtime.health.loading import SERVERS, Loading, supervises


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time, which a test sets, in a program that has no server."""
    time = [1_000.0]
    monkeypatch.setattr(loading, "monotonic", lambda: time[0])
    for name in (*SERVERS, "uwsgi"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "orig_argv", ["python", "main.py"])
    monkeypatch.setattr(sys, "argv", ["main.py"])
    return time


def imported(monkeypatch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    module = ModuleType(name)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, name, module)


def test_a_program_that_has_no_server_is_loaded_at_once() -> None:
    assert Loading().presumed()


@pytest.mark.parametrize("server", SERVERS)
def test_one_that_has_is_given_half_a_minute_to_begin(server: str, monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    imported(monkeypatch, server)
    found = Loading()
    at_once = found.presumed()
    now[0] += 29.9
    before = found.presumed()
    now[0] += 0.2
    assert (at_once, before, found.presumed()) == (False, False, True)
    assert found.moment > now[0]


@pytest.mark.parametrize(
    "command",
    [
        ["python", "/usr/bin/uvicorn", "shop:app"],
        ["python", "-m", "uvicorn", "shop:app"],
        ["python", "/usr/bin/gunicorn", "shop:app"],
        ["python", "-c", "from multiprocessing.spawn import spawn_main; spawn_main()"],
    ],
)
def test_a_server_that_says_when_it_is_loaded_is_waited_for(
    command: list[str], monkeypatch: pytest.MonkeyPatch, now: list[float]
) -> None:
    imported(monkeypatch, "uvicorn")
    monkeypatch.setattr(sys, "orig_argv", command)
    found = Loading()
    now[0] += 3_600
    assert not found.presumed()


def test_who_looks_after_workers_waits_for_them(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> None:
    imported(monkeypatch, "uvicorn")
    imported(monkeypatch, "multiprocessing.process", _children={object()})
    found = Loading()
    now[0] += 3_600
    assert (found.presumed(), supervises()) == (False, True)


@pytest.mark.parametrize(("number", "apps", "expected"), [(1, ({},), True), (1, (), False), (0, ({},), False)])
def test_uwsgi_is_asked(number: int, apps: Any, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    workers = [{"apps": apps}]
    embedder = SimpleNamespace(worker_id=lambda: number, masterpid=lambda: 1, workers=lambda: workers)
    monkeypatch.setitem(sys.modules, "uwsgi", embedder)
    assert Loading().presumed() is expected
