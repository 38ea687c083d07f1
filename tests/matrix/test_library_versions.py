"""The tests of an instrumentation hold for the oldest and the newest versions of its library, each in a venv of its own.

`make test-slow` runs them; `-k sqlalchemy-1.4` picks one. The venvs are kept between runs in the system's temporary folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.processes import BIN, environment

ROOT = Path(__file__).parents[2]
TOOLS = ("pytest", "pytest-timeout", "opentelemetry-api", "opentelemetry-proto", "protobuf")
DRIVERS = ("aiosqlite", "asyncpg", "psycopg[binary]")

MATRIX = {
    "sqlalchemy-1.4": ("3.10", ("sqlalchemy[asyncio]==1.4.*", *DRIVERS), "sqlalchemy"),
    "sqlalchemy-2.0": ("3.12", ("sqlalchemy[asyncio]==2.0.*", *DRIVERS), "sqlalchemy"),
    "sqlalchemy-newest": ("3.13", ("sqlalchemy[asyncio]", *DRIVERS), "sqlalchemy"),
    "psycopg-3.1-python": ("3.11", ("psycopg==3.1.*",), "psycopg"),
    "psycopg-3.2": ("3.12", ("psycopg[binary]==3.2.*", "psycopg-pool"), "psycopg"),
    "psycopg-newest-python": ("3.13", ("psycopg", "psycopg-pool"), "psycopg"),
    "redis-4.5": ("3.10", ("redis==4.5.*",), "redis"),
    "redis-5": ("3.11", ("redis==5.*",), "redis"),
    "redis-6": ("3.12", ("redis==6.*",), "redis"),
    "redis-7": ("3.13", ("redis==7.*",), "redis"),
    "sqlite3-3.10": ("3.10", ("aiosqlite",), "sqlite3"),
    "sqlite3-3.12": ("3.12", ("aiosqlite",), "sqlite3"),
    "sqlite3-3.13": ("3.13", ("aiosqlite==0.17.*",), "sqlite3"),
}
"""Name → interpreter, what is installed in it, and which test file holds."""


def _interpreter(version: str) -> str:
    """Return the path of an interpreter of pyenv, whose shims answer only for the version in force, else the name."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob(f"versions/{version}.*/bin/python"))
    return str(found[-1]) if found else version


def _python(version: str, requirements: tuple[str, ...]) -> Path:
    """Return the interpreter of a venv that holds the requirements; skip where that version of Python is not here."""
    uv = shutil.which("uv", path=f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    assert uv is not None, "uv makes the venvs: it comes with the development dependencies"
    wanted = (*requirements, *TOOLS)
    digest = hashlib.sha256(repr((version, wanted)).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"platform-instrument-matrix-{os.getuid()}" / f"{version}-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
        made = subprocess.run(
            [uv, "venv", "-q", "--clear", "--python", _interpreter(version), folder],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            pytest.skip(f"no Python {version} here: {made.stderr.strip()}")
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *wanted], env=env, check=True, timeout=300)
        (folder / "installed").touch()
    return python


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MATRIX)
def test_an_instrumentation_holds_for(name: str) -> None:
    version, requirements, tests = MATRIX[name]
    command = [
        _python(version, requirements),
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"tests/instrumentations/test_{tests}.py",
    ]
    servers = {name: value for name, value in os.environ.items() if name.startswith("PLATFORM_TEST_")}
    env = environment({"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1", **servers})
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
