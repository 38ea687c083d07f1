"""What became of this process, written as it leaves into the folder that doctor names; without doctor, nothing is.

The application is never disturbed: a folder that cannot be written to is no fault, nothing is printed, and nothing is
imported at the end, which would change the exit status of a program that is ended by Ctrl-C.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.config.problem import without_credentials
from platform_instrument.core.guard import faults, guard
from platform_instrument.distro import agents
from platform_instrument.engine import imports
from platform_instrument.instrumentations._index import TRIGGERS
from platform_instrument.telemetry.program import running_program

if TYPE_CHECKING:
    from platform_instrument.distro.startup import Start

_LONGEST = 1 << 20


class _Kept:
    """Where the record goes, and what was there before us."""

    folder = ""
    started: Start
    early: tuple[str, ...] = ()


def keep(folder: str, started: Start) -> None:
    """Write the record of this process, and of those it forks, when they leave."""
    _Kept.folder = folder
    _Kept.started = started
    _Kept.early = tuple(trigger for trigger in TRIGGERS if trigger in sys.modules)
    atexit.register(guard, "record at exit", write)
    imports.when_imported("platform_instrument.runtime.leaving", _follow)


def _follow(leaving: Any) -> None:  # noqa: ANN401 - our module, which a process without libraries never loads
    """Write after each flush too: a process that dies by a signal never comes to `atexit`."""
    leaving.AFTER_FLUSH.append(write)


def write() -> None:
    """Write the record under this process's id, whole or not at all."""
    text = json.dumps(record(), default=str)
    place = f"{_Kept.folder}/{os.getpid()}"
    if len(text) > _LONGEST:
        return
    try:
        with open(f"{place}.part", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{place}.part", f"{place}.json")
    except OSError:
        return  # doctor is gone, or this process runs as somebody else


def record() -> dict[str, Any]:
    """Return what start-up, the engine, the guard and the pipeline know of this process."""
    started = _Kept.started
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "program": running_program(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "doors": list(started.doors),
        "refusal": started.reason,
        "early": list(_Kept.early),
        "libraries": _libraries(),
        "agents": agents.active(),
        "deferred": agents.deferred(),
        "provider": agents.foreign_provider(),
        "faults": described_faults(),
        "telemetry": _telemetry(),
        "overhead": _overhead(),
    }


def described_faults() -> list[dict[str, Any]]:
    """Return the faults of ours that were contained in this process."""
    return [{"place": fault.place, "error": fault.error, "count": fault.count} for fault in faults()]


def _libraries() -> list[dict[str, Any]]:
    """Return what became of each library that was imported."""
    apply = sys.modules.get("platform_instrument.engine.apply")
    return [
        {
            "name": applied.name,
            "version": applied.version,
            "native": applied.instrumentation is None or applied.instrumentation.native,
            "status": applied.status,
            "reason": applied.reason,
            "doubt": applied.doubt,
            "faults": applied.faults,
            "patches": list(applied.journal.changed),
        }
        for applied in (apply.APPLIED.values() if apply is not None else ())
    ]


def _telemetry() -> dict[str, Any] | None:
    """Return what was delivered and what was lost; None where no library was instrumented."""
    pipeline = sys.modules.get("platform_instrument.telemetry.pipeline")
    if pipeline is None or pipeline.PIPELINE is None:
        return None
    from platform_instrument.telemetry.status import status_of  # where there is some

    status: dict[str, Any] = status_of(pipeline.PIPELINE)
    for way in status.values():
        if isinstance(way, dict) and "endpoint" in way:
            way["endpoint"] = without_credentials(way["endpoint"])
    return status


def _overhead() -> dict[str, Any] | None:
    """Return what observing costs, and what is left out for it; None where there is no budget."""
    governor = sys.modules.get("platform_instrument.runtime.overhead.governor")
    return governor.GOVERNORS[0].status() if governor is not None and governor.GOVERNORS else None
