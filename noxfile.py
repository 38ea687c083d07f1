"""The tests on every supported interpreter that is found: `make nox`."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]


@nox.session(python=PYTHONS)
def test(session: nox.Session) -> None:
    """Run the tests; arguments after `--` go to pytest."""
    session.install("--editable", ".", "--group", "test")
    session.run("python", "-m", "pytest", "-n", "4", "--dist", "loadfile", "-m", "not slow", *session.posargs)
