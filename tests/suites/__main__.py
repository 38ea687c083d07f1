"""`make suites NAME=… SRC=…`: run a library's own tests without telemetry and under it, and print where they differ.

`DOOR=auto` has `PLATFORM_AUTO=1` in the place of the command; `SET=OTEL_PROPAGATORS=none` has a setting in addition; `PUBLISH=1`
writes the figures into docs/compatibility.md.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.suites.comparing import MISSING, counted
from tests.suites.document import DOCUMENT, of_report, written
from tests.suites.running import DOORS, report
from tests.suites.table import SUITES, Suite


def main() -> int:
    """Return 1 where a test fails under telemetry alone, 2 where there was nothing to compare."""
    parser = argparse.ArgumentParser(prog="make suites", description=__doc__)
    parser.add_argument("name", help="the distribution's name")
    parser.add_argument("source", type=Path, help="a checkout, a folder, a source archive, or a git directory")
    parser.add_argument("--door", choices=DOORS, default="command")
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the run under telemetry")
    wanted = parser.parse_args()
    if not wanted.source.exists():
        parser.error(f"{wanted.source} does not exist")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # with what was started
    suite = replace(SUITES.get(wanted.name, Suite()), settings=dict(each.split("=", 1) for each in wanted.set))
    folder = Path(tempfile.gettempdir()) / f"platform-instrument-suites-{os.getuid()}" / f"{wanted.name}-{wanted.door}"
    try:
        found = report(wanted.name, wanted.source.resolve(), folder, wanted.door, suite)
    except pytest.skip.Exception as lacking:  # what makes a test skip itself
        sys.stderr.write(f"{lacking}\n")
        return 2
    sys.stdout.write(f"{found.name} {found.version}, logs in {folder}\n")
    sys.stdout.write(f"without: {counted(found.plain)}\nunder:   {counted(found.observed)}\n")
    if not found.plain:
        return 2
    for title, each in (
        ("fails only under telemetry", [one for one in found.harmful if one.observed != MISSING]),
        ("differs", [one for one in found.differences if not one.harms]),
        ("differs without propagators", found.silent),
        ("differed once, and not again", found.unsteady),
    ):
        sys.stdout.writelines(f"{title}: {one}\n" for one in each)
    lost = sum(one.observed == MISSING for one in found.harmful)
    if lost:
        sys.stdout.write(f"fails only under telemetry: {lost:,} tests were not run\n")
    if wanted.publish and found.explained and not wanted.set:
        python = ".".join(map(str, sys.version_info[:2]))
        DOCUMENT.write_text(written({found.name: of_report(found, python)}), encoding="utf-8")
    return 1 if found.harmful else 0


if __name__ == "__main__":
    sys.exit(main())
