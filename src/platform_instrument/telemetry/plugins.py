"""Entry points of other packages, looked up by name when a setting asks for one."""

from __future__ import annotations

from typing import Any


def plugin(group: str, name: str) -> Any:  # noqa: ANN401 - what the entry point names
    """Load the entry point of this name; None where no installed package has it."""
    from importlib.metadata import entry_points  # costs 40 ms, and only few settings need it

    for point in entry_points(group=group, name=name):
        return point.load()
    return None
