"""Which ways in stand open in this environment, for the next Python program that starts in it."""

from __future__ import annotations

import os
import shutil
import site
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from platform_instrument.config import kinds
from platform_instrument.distro.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

_PTH = "platform_instrument.pth"
_OURS = "platform_instrument"
_SITE = "platform_instrument_site"


@dataclass(frozen=True, slots=True)
class Door:
    """One way in: whether it stands open, and why it does or does not."""

    name: str
    open: bool
    detail: str


def doors(environ: Mapping[str, str]) -> tuple[list[Door], list[Finding]]:
    """Return every door and what is wrong with it."""
    found = [_command(environ), _pth(environ), _pythonpath(environ)]
    upstream, findings = _upstream(environ)
    if _switched_on(environ) and not found[1].open:
        remedy = "install platform-instrument into the environment of this interpreter"
        findings.append(Finding("PI101", "PLATFORM_AUTO", f"is set, and there is no {_PTH} in site-packages", remedy))
    return [*found, upstream], findings


def _command(environ: Mapping[str, str]) -> Door:
    place = shutil.which("platform-instrument", path=environ.get("PATH"))
    return Door("command", bool(place), place or "platform-instrument is not on PATH")


def _pth(environ: Mapping[str, str]) -> Door:
    place = next((path for folder in _site_packages() if os.path.isfile(path := os.path.join(folder, _PTH))), "")
    detail = place or f"no {_PTH} in site-packages"
    if place and not _switched_on(environ):
        detail = "PLATFORM_AUTO is not set"
    return Door(".pth", bool(place) and _switched_on(environ), detail)


def _switched_on(environ: Mapping[str, str]) -> bool:
    text = environ.get("PLATFORM_AUTO", "").strip()
    return bool(text) and kinds.FLAG.parse(text) is True


def _site_packages() -> list[str]:
    folders = [*site.getsitepackages(), site.getusersitepackages() if site.ENABLE_USER_SITE else ""]
    return [folder for folder in folders if folder]


def _pythonpath(environ: Mapping[str, str]) -> Door:
    folders = [folder for folder in environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    place = next((folder for folder in folders if os.path.basename(folder.rstrip("/")) == _SITE), "")
    if place and not os.path.isfile(os.path.join(place, "sitecustomize.py")):
        return Door("PYTHONPATH", open=False, detail=f"{place} has no sitecustomize.py")
    return Door("PYTHONPATH", bool(place), place or f"{_SITE} is not on PYTHONPATH")


def _upstream(environ: Mapping[str, str]) -> tuple[Door, list[Finding]]:
    """Return whether `opentelemetry-instrument` would come to us: it takes the entry point that is named, else the first."""
    name = "opentelemetry-instrument"
    if not shutil.which(name, path=environ.get("PATH")):
        return Door(name, open=False, detail=f"{name} is not on PATH"), []
    taken = {
        group: environ.get(variable) or next((entry.name for entry in entry_points(group=group)), "")
        for group, variable in (
            ("opentelemetry_distro", "OTEL_PYTHON_DISTRO"),
            ("opentelemetry_configurator", "OTEL_PYTHON_CONFIGURATOR"),
        )
    }
    others = sorted(set(taken.values()) - {_OURS})
    if not others:
        return Door(name, open=True, detail=f"it finds {_OURS}"), []
    detail = f"it finds {', '.join(other or 'nothing' for other in others)}"
    remedy = f"for that command, set OTEL_PYTHON_DISTRO={_OURS} and OTEL_PYTHON_CONFIGURATOR={_OURS}"
    return Door(name, open=False, detail=detail), [Finding("PI102", name, detail, remedy)]
