"""Modules made up by a test, in a folder of their own, with the finder armed and nothing waited for."""

from __future__ import annotations

import importlib
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from platform_instrument.engine import imports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def armed_finder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Arm the finder for modules in a fresh folder; afterwards they are forgotten."""
    known = set(sys.modules)
    monkeypatch.setattr(imports, "_hooks", {})
    monkeypatch.setattr(imports, "_ran", {})
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.syspath_prepend(tmp_path)
    imports.install()
    importlib.invalidate_caches()
    yield
    for name in set(sys.modules) - known:
        del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Return what writes a module into the folder."""

    def write(name: str, text: str = "") -> None:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        importlib.invalidate_caches()

    return write
