"""Through an inherited door come the service and its workers, and no tool or helper."""

from __future__ import annotations

import os

import pytest

from platform_instrument.distro.activation import PROGRAM_PID, refusal

PYTHON = "/usr/bin/python3"
SPAWN = "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)"
FORKSERVER = "from multiprocessing.forkserver import main; main(5, 6, ['__main__'])"
TRACKER = "from multiprocessing.resource_tracker import main;main(4)"

SERVICES = [
    ["app.py"],
    ["/srv/app.py", "pip"],
    ["-m", "uvicorn", "shop:app"],
    ["-m", "shop"],
    ["-mshop"],
    ["-um", "shop"],
    ["-X", "utf8", "-W", "error", "-OO", "app.py"],
    ["-Wignore", "-Xdev", "-m", "shop.worker"],
    ["--check-hash-based-pycs", "never", "app.py"],
    ["/venv/bin/gunicorn", "shop:app"],
    ["/venv/bin/celery", "-A", "shop", "worker"],
    ["/venv/bin/pytest"],
    ["/venv/bin/pipeline"],
    ["-m", "debugpy", "--listen", "5678", "-m", "shop"],
    ["-m", "coverage", "run", "app.py"],
    ["/srv/build/app.py"],
    ["-", "argument"],
    [],
    ["-i"],
    ["-c", SPAWN, "--multiprocessing-fork"],
    ["-c", SPAWN.replace("multiprocessing", "billiard"), "--billiard-fork"],
    ["-I", "-c", FORKSERVER],
]
OTHERS = [
    ["/venv/bin/pip", "install", "shop"],
    ["/venv/bin/pip3.12", "install", "shop"],
    ["-m", "pip", "install", "shop"],
    ["-m", "pip._internal"],
    ["-Im", "ensurepip"],
    ["-m", "venv", "x"],
    ["-m", "build"],
    ["/x/site-packages/pyproject_hooks/_in_process/_in_process.py", "build_wheel"],
    ["/venv/bin/mypy", "src"],
    ["/venv/bin/black", "."],
    ["setup.py", "bdist_wheel"],
    ["-c", "import sysconfig; print(sysconfig.get_paths())"],
    ["-Sc", "print()"],
    ["-c", TRACKER],
    ["/venv/bin/uv", "sync"],
    ["/venv/bin/poetry", "install"],
]


@pytest.mark.parametrize("door", ["pth", "sitecustomize"])
@pytest.mark.parametrize("words", SERVICES, ids=" ".join)
def test_a_service_and_its_workers_are_instrumented(door: str, words: list[str]) -> None:
    assert refusal(door, [PYTHON, *words], {}) == ""


@pytest.mark.parametrize("door", ["pth", "sitecustomize"])
@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_a_tool_or_a_helper_is_not_and_the_reason_is_given(door: str, words: list[str]) -> None:
    assert refusal(door, [PYTHON, *words], {})


@pytest.mark.parametrize("words", [*SERVICES, *OTHERS], ids=" ".join)
def test_the_program_that_the_command_was_given_is_always_instrumented(words: list[str]) -> None:
    assert refusal("sitecustomize", [PYTHON, *words], {PROGRAM_PID: str(os.getpid())}) == ""
    assert refusal("opentelemetry-instrument", [PYTHON, *words], {}) == ""


def test_a_child_of_the_program_is_judged_by_its_own_command_line() -> None:
    assert refusal("sitecustomize", [PYTHON, "-c", "print()"], {PROGRAM_PID: "1"})
