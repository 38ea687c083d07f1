"""`make harm`: run every situation, and the tests that show the others; with PUBLISH=1 write the figures into docs/reliability.md."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.harm.document import DOCUMENT, ROOT, registered, written
from tests.harm.figures import VARIABLE, recorded
from tests.harm.situations import Shown


def main() -> int:
    """Return pytest's exit status; figures of situations that passed are published though others failed."""
    parser = argparse.ArgumentParser(prog="make harm", description=__doc__)
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--workers", default="2", help="how many are run at a time")
    parser.add_argument("rest", nargs="*", help="arguments of pytest, instead of all situations")
    wanted = parser.parse_args()
    chosen = wanted.rest or ["tests/harm", *sorted({each.test for each in registered() if isinstance(each, Shown)})]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures"
        file.touch()
        command = [sys.executable, "-m", "pytest", "-n", wanted.workers, "--dist", "loadfile", "-q", *chosen]
        status = subprocess.run(command, env={**os.environ, VARIABLE: str(file)}, cwd=ROOT, check=False).returncode
        found = recorded(file)
    sys.stdout.write(f"{len(found)} situations are as without us\n")
    if wanted.publish:
        DOCUMENT.write_text(written(found), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
