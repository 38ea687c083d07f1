"""Which ways in stand open in this environment, for the next Python program that starts in it."""

from __future__ import annotations

import os
import shutil
import site
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from platform_instrument.config import kinds
from platform_instrument.distro.finding import Finding
from platform_instrument.distro.site_folder import FILE, is_ours

if TYPE_CHECKING:
    from collections.abc import Mapping

_PTH = "platform_instrument.pth"
_OURS = "platform_instrument"


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
    place = _which("platform-instrument", environ)
    return Door("command", bool(place), place or "platform-instrument is not on PATH")


def _which(command: str, environ: Mapping[str, str]) -> str | None:
    """Return where a command is: on PATH, or beside the interpreter."""
    path = os.pathsep.join([environ.get("PATH", os.defpath), os.path.dirname(sys.executable)])
    return shutil.which(command, path=path)


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
    place = next((folder for folder in folders if is_ours(folder)), "")
    return Door("PYTHONPATH", bool(place), place or f"no folder on PYTHONPATH has our {FILE}")


def _first(group: str) -> str:
    """Return the entry point that upstream meets first, ours by our name and others with where they are from."""
    for entry in entry_points(group=group):
        return entry.name if entry.name == _OURS or entry.dist is None else f"{entry.name} of {entry.dist.name}"
    return "nothing"


def _upstream(environ: Mapping[str, str]) -> tuple[Door, list[Finding]]:
    """Return whether `opentelemetry-instrument` would come to us: it takes the entry point that is named, else the first."""
    name = "opentelemetry-instrument"
    if not _which(name, environ):
        return Door(name, open=False, detail=f"{name} is not on PATH"), []
    taken = [
        environ.get(variable) or _first(group)
        for group, variable in (
            ("opentelemetry_distro", "OTEL_PYTHON_DISTRO"),
            ("opentelemetry_configurator", "OTEL_PYTHON_CONFIGURATOR"),
        )
    ]
    others = [other for other in taken if other != _OURS]
    if not others:
        return Door(name, open=True, detail="it loads ours"), []
    detail = f"it loads {' and '.join(others)}, not ours"
    remedy = f"for that command, set OTEL_PYTHON_DISTRO={_OURS} and OTEL_PYTHON_CONFIGURATOR={_OURS}"
    return Door(name, open=False, detail=detail), [Finding("PI102", name, detail, remedy)]
