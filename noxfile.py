"""The tests on every supported interpreter that is found: `make nox`; `make nox WORKERS=2` for a small machine."""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]

# pyenv's shims answer only for the versions in force: those that it has installed are found in their folders.
_PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
_INSTALLED = sorted(map(str, _PYENV.glob("versions/3.*/bin")), reverse=True)
os.environ["PATH"] = os.pathsep.join([*_INSTALLED, os.environ.get("PATH", os.defpath)])


@nox.session(python=PYTHONS)
def test(session: nox.Session) -> None:
    """Run the tests as `make test` does; arguments after `--` go to pytest."""
    session.install("--editable", ".", "--group", "test")
    workers = os.environ.get("WORKERS", "4")
    session.run("python", "-m", "pytest", "-n", workers, "--dist", "loadfile", "-m", "not slow", *session.posargs)
