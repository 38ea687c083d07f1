"""Run the measurements, print the tables, and fail where something costs more than it did in the runs before."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import date
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import calls, history, report, serving, starts
from benchmarks.environments import (
    FOLDER,
    IMPLEMENTATIONS,
    LOGS,
    MASKING,
    OURS,
    SCRAPE,
    VANILLA,
    Implementation,
    prepare,
    versions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Samples = dict[str, list[dict[str, float]]]


def main() -> int:
    """Run what the arguments ask for; return 1 where a run was void, or something costs more than before."""
    options = arguments()
    FOLDER.mkdir(exist_ok=True)
    alone = [one for one in (MASKING, SCRAPE, LOGS) if one.name in options.parts]
    wanted = [*(IMPLEMENTATIONS if {"pieces", "starts", "requests"} & {*options.parts} else ()), *alone]
    if "calls" in options.parts:
        wanted += calls.IMPLEMENTATIONS
    for implementation in wanted:
        prepare(implementation)
    tables = [table for part in options.parts if part in TABLES for table in TABLES[part]()]
    rows, more, void = against_upstream(options)
    tables += more
    today, on = date.today().isoformat(), history.machine()  # noqa: DTZ011 - a date for people
    compared = "; ".join(map(versions, [*([VANILLA] if VANILLA in wanted else []), *alone]))
    head = f"{today}, {platform.machine()}, {os.cpu_count()} processors; {compared}; {options.rounds} rounds."
    text = "\n\n".join([head, *tables])
    print(text)
    found = history.shares(rows)
    regressions = history.worse(found, history.entries(), on)
    for regression in regressions:
        print(f"worse than before: {regression}", file=sys.stderr)
    if options.write and not void:
        report.write(report.DOCUMENT, text)
        report.write(report.README, report.shares([table for table in tables if "share of vanilla" in table]))
        history.add(found, on, today)
    return 1 if void or regressions else 0


def against_upstream(options: argparse.Namespace) -> tuple[Samples, list[str], bool]:
    """Measure what is compared with bare and vanilla; return rows, tables, and whether spans were missing."""
    rows: Samples = {}
    tables, void = [], False
    if "starts" in options.parts:
        begun = start_rounds(options.rounds)
        tables.append(report.compared("start of a program", "ms of CPU", begun))
        rows |= begun
    if "requests" in options.parts:
        requests, memory, delivered = request_rounds(options)
        tables.append(report.compared("request", "µs of CPU", requests))
        tables.append(report.compared("memory", "MiB", {"peak of the service": memory}))
        rows |= requests | {"peak of the service": memory}
        void = any(lost(path, samples) for path, samples in delivered.items())
    if "calls" in options.parts:
        made = call_rounds(options.rounds)
        tables.append(report.compared("call", "µs of CPU", made))
        rows |= made
    return rows, tables, void


def arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks", description="Measure what telemetry adds.")
    parser.add_argument("--parts", default="masking,scrape,logs,pieces,starts,requests,calls", type=lambda text: text.split(","))
    parser.add_argument("--paths", default=",".join(serving.SPANS), type=lambda text: text.split(","))
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--seconds", default=3, type=float, help="of load on each path in each round")
    parser.add_argument("--quick", action="store_true", help="two rounds of one second: shows that it works, not what it costs")
    parser.add_argument(
        "--write", action="store_true", help="put the tables into docs/performance.md and README.md, the shares into the history"
    )
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 1
    return options


def small(implementation: Implementation, script: str) -> dict[str, Any]:
    """Run the small pieces of work in an environment, outside its instrumentation."""
    file = str(OURS.folder.parent.parent / "benchmarks" / "measured" / script)
    command = [str(implementation.folder / "bin/python"), file]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


TABLES: dict[str, Callable[[], list[str]]] = {
    "masking": lambda: [
        report.masking(small(MASKING, "masking.py")),
        report.printing(small(MASKING, "printing.py")),
        report.recorder(small(MASKING, "recorder.py")),
        report.facts(small(MASKING, "facts.py")),
        report.thinning(small(MASKING, "thinning.py")),
    ],
    "scrape": lambda: [report.scrape(small(SCRAPE, "scrape.py"))],
    "logs": lambda: [report.logs(small(LOGS, "logs.py"))],
    "pieces": lambda: [report.pieces(small(OURS, "small_ours.py"), small(VANILLA, "small_sdk.py"))],
}
"""What is measured by itself, by the parts that can be asked for."""


def start_rounds(rounds: int) -> dict[str, list[dict[str, float]]]:
    """Start each program under each implementation in turn."""
    for program in starts.PROGRAMS.values():
        for implementation in IMPLEMENTATIONS:
            starts.measure(implementation, program)  # writes the byte code
    return {
        row: [{one.name: starts.measure(one, program) for one in IMPLEMENTATIONS} for _ in range(rounds)]
        for row, program in starts.PROGRAMS.items()
    }


def call_rounds(rounds: int) -> Samples:
    """Make calls of each kind under each implementation in turn, in the opposite order every other round."""
    redis = shutil.which("redis-server")
    kinds = calls.possible(redis)
    made: Samples = {row: [] for row in kinds}
    with serving.surroundings(redis=redis):
        for turn in range(rounds):
            for row, kind in kinds.items():
                order = calls.IMPLEMENTATIONS[:: 1 if turn % 2 == 0 else -1]
                made[row].append({one.name: calls.measure(one, kind) for one in order})
    return made


def request_rounds(options: argparse.Namespace) -> tuple[Samples, list[dict[str, float]], Samples]:
    """Serve each path under each implementation in turn, in the opposite order every other round."""
    redis = shutil.which("redis-server")
    paths = [path for path in options.paths if redis or path not in {"/redis", "/mix"}]
    if not redis:
        print("no redis-server here: /redis and /mix are left out", file=sys.stderr)
    requests: Samples = {path: [] for path in paths}
    delivered: Samples = {path: [] for path in paths}
    memory: list[dict[str, float]] = []
    with serving.surroundings(redis=redis):
        for turn in range(options.rounds):
            order = IMPLEMENTATIONS if turn % 2 == 0 else IMPLEMENTATIONS[::-1]
            runs = {one.name: serving.measure(one, paths, options.seconds) for one in order}
            for path in paths:
                requests[path].append({name: run[path].cpu for name, (run, _) in runs.items()})
                delivered[path].append({name: run[path].spans for name, (run, _) in runs.items()})
            memory.append({name: peak for name, (_, peak) in runs.items()})
            print(f"round {turn + 1} of {options.rounds} is done", file=sys.stderr)
    return requests, memory, delivered


def lost(path: str, samples: list[dict[str, float]]) -> bool:
    """Say whether spans of ours are missing, which makes a run void."""
    arrived = median(sample[OURS.name] for sample in samples)
    if arrived >= 0.98 * serving.SPANS[path]:
        return False
    print(f"void: {path} left {arrived:.2f} spans a request instead of {serving.SPANS[path]}", file=sys.stderr)
    return True


if __name__ == "__main__":
    sys.exit(main())
