"""Which version of a library is there, and whether it lies in the range that was tested."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

_SUFFIXES = (".dist-info", ".egg-info")


def version_of(module: ModuleType, requires: str) -> str:
    """Return the version of the library that a requirement names, empty where it cannot be told.

    A module's `__version__` is read from its namespace: some libraries warn when it is asked for. Else, and where a module
    says two (PyMySQL passes for mysqlclient), the name of the folder that the installer left beside the library tells;
    `importlib.metadata` costs 40 ms to import.
    """
    name = name_of(requires)
    if name == "python":
        return ".".join(str(part) for part in sys.version_info[:3])
    top = sys.modules.get(module.__name__.partition(".")[0], module)
    said = [version for attribute in ("__version__", "VERSION") if (version := _dotted(vars(top).get(attribute)))]
    if len({_numbers(version)[:3] for version in said}) == 1:
        return said[0]
    return _installed(top, name) or "".join(said[:1])


def name_of(requires: str) -> str:
    """Return the distribution that a requirement names."""
    return requires.partition(">=")[0].partition("<")[0].strip()


def _dotted(said: object) -> str:
    """Return a version that a module says as a text or a tuple, empty where it is neither."""
    if isinstance(said, str):
        return said
    if isinstance(said, tuple) and said and all(isinstance(part, (int, str)) for part in said):
        return ".".join(str(part) for part in said[:3])
    return ""


def _installed(top: ModuleType, name: str) -> str:
    """Return the version in the name of a `name-1.2.3.dist-info` folder beside the library."""
    file = vars(top).get("__file__")
    if not isinstance(file, str):
        return ""
    place, _, called = file.rpartition(os.sep)
    if called.startswith("__init__."):
        place = place.rpartition(os.sep)[0]
    wanted = _normalized(name)
    try:
        with os.scandir(place or os.curdir) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(_SUFFIXES)]
    except OSError:
        return ""
    for entry in names:
        known, _, version = entry.partition("-")
        if _normalized(known) == wanted:
            return version.rpartition(".")[0].partition("-py")[0]
    return ""


def _normalized(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def doubt(version: str, requires: str) -> str:
    """Return why a version is doubtful, empty where it lies in the range of a requirement such as `redis>=4.5,<9`."""
    least = requires.partition(">=")[2].partition(",")[0].strip()
    bound = requires.partition("<")[2].partition(",")[0].strip()
    numbers = _numbers(version)
    if not numbers:
        return ""
    if least and numbers < _numbers(least):
        return f"version {version} is older than those tested ({requires})"
    if bound and numbers >= _numbers(bound):
        return f"version {version} is newer than those tested ({requires})"
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: `2.1.0rc1` → `(2, 1)`; zeros at the end say nothing."""
    numbers = []
    for part in version.split("."):
        digits = part[: next((at for at, sign in enumerate(part) if not sign.isdecimal()), len(part))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
