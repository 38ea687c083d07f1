"""The folder for `PYTHONPATH`: a `sitecustomize.py` that starts telemetry, and nothing else.

One without packages of its own is shipped beside our package; others are rendered from it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHIPPED = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "platform_instrument_site")
FILE = "sitecustomize.py"

_NO_PACKAGES = "\nPACKAGES = ()\n"
_MARK = "platform_instrument._boot"


def rendered(packages: Sequence[str]) -> str:
    """Return the text of a `sitecustomize.py` that lets the interpreter find packages in these folders, after its own."""
    with open(os.path.join(SHIPPED, FILE), encoding="utf-8") as file:
        text = file.read()
    return text.replace(_NO_PACKAGES, f"\nPACKAGES = {tuple(packages)!a}\n", 1)


def is_ours(folder: str) -> bool:
    """Say whether the folder holds a `sitecustomize.py` of ours."""
    try:
        with open(os.path.join(folder, FILE), encoding="utf-8", errors="replace") as file:
            return _MARK in file.read()
    except OSError:
        return False
