"""Environments that tests install into: the interpreters found here, and virtual environments made of them.

Made with the standard library's `venv` and the `pip` that comes with it, as users do; outside the project's folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, environment

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15")
BASE = Path(getattr(sys, "_base_executable", sys.executable))
"""The interpreter that the tests' own environment was made of."""
ANYTHING = "colorama"
"""A small package that every index has and no environment here: asked for to see whether the index answers."""
UNANSWERED = "connection broken by"
"""What pip says of an index where it goes on to the next one, if there is one."""


def interpreter(version: str) -> Path | None:
    """Return an interpreter of this version, None where there is none.

    pyenv's shims answer only for the version in force, so its folders are looked into.
    """
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return BASE
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob(f"versions/{version}.*/bin/python"))
    if found:
        return found[-1]
    named = shutil.which(f"python{version}")
    return Path(named) if named and "shims" not in named else None


def needed(version: str) -> Path:
    """Return an interpreter of this version; skip the test where there is none."""
    found = interpreter(version)
    if found is None:
        pytest.skip(f"no Python {version} here")
    return found


def run_tool(*words: object, cwd: Path | None = None, timeout: float = 600) -> str:
    """Run a tool that must succeed, with the caller's settings of package indexes; return what it printed."""
    done = _ended(words, cwd, timeout)
    assert done.returncode == 0, f"{' '.join(done.args)}\n{done.stdout}{done.stderr}"
    return done.stdout


def _ended(words: Sequence[object], cwd: Path | None, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end; one that takes too long has failed."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    env = environment({**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_PYTHON_DOWNLOADS": "never"})
    argv = [str(word) for word in words]
    try:
        return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 1, "", f"it took more than {timeout} s")


def install(tool: Sequence[object], *words: object, timeout: float = 240) -> str:
    """Install from the package index: what fails is tried once more where the index answers, else the test is skipped.

    So an index that cannot be reached decides nothing, and what is asked for and cannot be had is a failure.
    """
    for turn in (1, 2):
        done = _ended((*tool, *words), None, timeout)
        if done.returncode == 0:
            break
        asked = _ended((*tool, "--dry-run", "--no-deps", "--no-cache-dir", ANYTHING), None, 60)
        if asked.returncode or UNANSWERED in asked.stderr:
            pytest.skip(f"the package index cannot be reached: {asked.stderr.strip()[-300:]}")
        assert turn == 1, f"{' '.join(done.args)}\n{done.stdout}{done.stderr}"
    return done.stdout


def make_venv(folder: Path, python: Path = BASE, *options: str) -> Path:
    """Make a virtual environment and return its `bin` folder."""
    run_tool(python, "-m", "venv", *options, folder)
    return folder / "bin"


def pip(binaries: Path, *words: object) -> str:
    """Run the `pip` of a virtual environment."""
    tool = [binaries / "python", "-m", "pip", words[0]]
    return run_tool(*tool, *words[1:]) if words[0] != "install" or "--no-index" in words else install(tool, *words[1:])


def kept_venv(version: str, requirements: Sequence[str]) -> Path:
    """Return the interpreter of a venv that holds the requirements, made by uv and kept between runs in the temporary folder.

    The test is skipped where that version of Python is not here.
    """
    uv = shutil.which("uv", path=f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    assert uv is not None, "uv makes the venvs: it comes with the development dependencies"
    digest = hashlib.sha256(repr((version, tuple(requirements))).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"platform-instrument-matrix-{os.getuid()}" / f"{version}-{digest}"
    python = folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:  # several tests want the same one, and run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            run_tool(uv, "venv", "-q", "--clear", "--python", needed(version), folder)
            install([uv, "pip", "install", "-q", "--python", python], *requirements)
            (folder / "installed").touch()
    return python


def site_packages(binaries: Path) -> Path:
    """Return the folder that a virtual environment's packages are in."""
    (found,) = (binaries.parent / "lib").glob("python*/site-packages")
    return found


def build_wheel(folder: Path) -> Path:
    """Build our wheel from the working tree with the back end that is installed here."""
    run_tool(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel
