"""Public names of a package that are loaded when they are first asked for. Start path: imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def lazy(package: str, homes: dict[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package whose names live in modules of its own, `homes` by name."""

    def load(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
        home = homes.get(name)
        if home is None:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        from importlib import import_module
        from sys import modules

        found = getattr(import_module(f"{package}.{home}"), name)
        setattr(modules[package], name, found)
        return found

    return load
