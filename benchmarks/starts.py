"""What the start of a program costs: CPU time of its process from `exec` to its end, launcher included."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.environments import FOLDER, Implementation

PROGRAMS = {
    "an empty program": "",
    "a program that imports five libraries": "import fastapi, httpx, redis, sqlalchemy, uvicorn",
}


def measure(implementation: Implementation, program: str) -> float:
    """Run a program, which first proves that the instrumentation is there; return milliseconds of CPU."""
    file = FOLDER / "program.py"
    file.write_text(f"import sys\nassert {implementation.module!r} in sys.modules\n{program}\n")
    command, env = implementation.program(str(file))
    process = subprocess.Popen(command, env=env, cwd=FOLDER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{implementation.name} could not run {program or 'an empty program'!r}: exit status {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1e3
