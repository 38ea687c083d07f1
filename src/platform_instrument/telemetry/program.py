"""What the running program is called, where nobody said how the service is: its own name, or its server's application.

| command | name |
|---|---|
| `python app.py` | `app` |
| `python -m shop`, `python -m shop.worker` | `shop` |
| `uvicorn shop.main:app`, `gunicorn -w 2 shop.wsgi` | `shop` |
| `flask --app shop run`, `celery -A shop worker` | `shop` |
| `fastapi run shop.py` | `shop` |
| `python manage.py runserver`, `python shop/__main__.py` | the folder's name |
| `python -c …`, `python` | `unknown_service:python` |
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

UNKNOWN = "unknown_service:python"

_SERVERS = frozenset(("uvicorn", "gunicorn", "hypercorn", "granian", "daphne", "waitress-serve", "waitress"))
_RUNNERS = frozenset(("flask", "celery", "fastapi"))
_APPLICATION = ("--app", "-A")
_NAMELESS = frozenset(("__main__", "manage"))
_LONGEST = 255


def program_name(argv: Sequence[str], main: object) -> str:
    """Return the name of the program; `argv` is `sys.argv`, `main` the module `__main__`."""
    name = _module(main) or _file(argv[0] if argv else "")
    if name in _SERVERS:
        name = _served(argv[1:]) or name
    elif name in _RUNNERS:
        name = _chosen(argv[1:]) or name
    return name[:_LONGEST] or UNKNOWN


def running_program() -> str:
    """Return the name of this process's program."""
    return program_name(getattr(sys, "argv", ()), sys.modules.get("__main__"))


def _module(main: object) -> str:
    """Return the top-level package of `python -m`, also in the spawned children of such a program; else nothing."""
    spec = getattr(main, "__spec__", None)
    name = str(getattr(spec, "name", "") or "").partition(".")[0]
    return "" if name.startswith("__") else name


def _file(path: str) -> str:
    """Return the name of a script, of its folder where the script's own says nothing."""
    if path in {"", "-", "-c", "-m"}:
        return ""
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    if stem in _NAMELESS:
        return (folder if folder not in {"", "."} else os.getcwd()).rpartition("/")[2]  # noqa: PTH109 - pathlib costs 8 ms
    return stem


def _served(arguments: Sequence[str]) -> str:
    """Return the package of `package.module:application`; gunicorn takes a bare module, last, too."""
    for argument in arguments:
        module, colon, application = argument.partition(":")
        if colon and _is_path(module) and _is_path(application.partition("(")[0]):
            return module.partition(".")[0]
    last = arguments[-1] if arguments else ""
    is_value = len(arguments) > 1 and arguments[-2].startswith("-") and "=" not in arguments[-2]
    return last.partition(".")[0] if "." in last and _is_path(last) and not is_value else ""


def _chosen(arguments: Sequence[str]) -> str:
    """Return what `--app` or `-A` names, or the script that `fastapi run` is given."""
    for position, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option in _APPLICATION:
            value = value if equals else "".join(arguments[position + 1 : position + 2])
            return _file(value.partition(":")[0]) if value.endswith(".py") else value.partition(":")[0].partition(".")[0]
        if argument.endswith(".py"):
            return _file(argument)
    return ""


def _is_path(text: str) -> bool:
    """Say whether a text is a dotted path of names."""
    return all(part.isidentifier() for part in text.split("."))
