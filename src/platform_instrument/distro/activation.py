"""Which processes are instrumented: the program that was asked for and its workers, not every Python that inherits a variable.

The command's own program is always instrumented. Through an inherited door (`.pth`, `PYTHONPATH`) come tools and
helpers too, which are told by their command line. Start path: imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAM_PID = "_PLATFORM_INSTRUMENT_PID"
"""Set by the command to the process that becomes the program it was given; no setting, so it has no setting's prefix."""

_INSTALLERS = ("pip", "pipx", "pip-compile", "pip-sync", "pip-audit", "uv", "uvx", "poetry", "pdm", "conda", "mamba", "twine")
_BUILDERS = ("build", "ensurepip", "flit", "flit_core", "hatch", "hatchling", "maturin", "meson", "pep517", "pyproject_hooks",
             "scikit_build_core", "setup", "setuptools", "venv", "virtualenv", "wheel")  # fmt: skip
_CHECKERS = ("bandit", "black", "dmypy", "flake8", "isort", "mypy", "nox", "pre-commit", "pre_commit", "pycodestyle", "pyflakes",
             "pylint", "pyright", "ruff", "tox")  # fmt: skip
_INTERPRETER_S = ("compileall", "idlelib", "py_compile", "pydoc", "site", "sysconfig")
_TOOLS = frozenset((*_INSTALLERS, *_BUILDERS, *_CHECKERS, *_INTERPRETER_S, "platform-instrument"))
_WITH_VALUE = frozenset(("-W", "-X", "--check-hash-based-pycs"))
_WORKERS = ("from multiprocessing.spawn import", "from billiard.spawn import")
"""The second is of Celery's own multiprocessing."""
_FORK_SERVER = "from multiprocessing.forkserver import"


def refusal(door: str, command: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return why this process is not to be instrumented, empty when it is.

    `command` is `sys.orig_argv`.
    """
    if door not in {"pth", "sitecustomize"}:
        return ""
    if environ.get(PROGRAM_PID) == _pid():
        return ""
    kind, program = _program(command)
    if kind == "-c":
        if program.startswith((*_WORKERS, _FORK_SERVER)):
            return ""
        return "a python -c helper"
    name = program.replace("\\", "/").rpartition("/")[2].removesuffix(".py")
    if kind == "-m":
        name = program.partition(".")[0]
    if name.rstrip("0123456789.") in _TOOLS or name in _TOOLS or "pyproject_hooks" in program:
        return f"{name} is a tool, not a service"
    return ""


def unsafe() -> str:
    """Return why nothing of ours may run in this interpreter, empty where it may.

    A sub-interpreter with a lock of its own takes the process with it at its end in CPython 3.12, if it ran one of: a subclass
    of `sqlite3.Connection`, `import ssl`, `import hashlib`. Those that share the lock, as mod_wsgi's do, are well.
    """
    import _thread
    import sys

    if sys.version_info[:2] == (3, 12) and not _thread.daemon_threads_allowed():
        return "an isolated sub-interpreter of CPython 3.12 would crash"
    return ""


def _program(command: Sequence[str]) -> tuple[str, str]:
    """Return how the interpreter was told what to run (`-c`, `-m`, `file` or nothing) and what it was."""
    arguments = iter(command[1:])
    for argument in arguments:
        if argument in _WITH_VALUE:
            next(arguments, None)
        elif argument.startswith("-") and argument != "-":
            if argument.startswith("--"):
                continue
            for at, letter in enumerate(argument[1:], 2):
                if letter in "cm":
                    return f"-{letter}", argument[at:] or next(arguments, "")
                if letter in "WX":
                    break
        else:
            return "file", argument
    return "", ""


def _pid() -> str:
    import os

    return str(os.getpid())
