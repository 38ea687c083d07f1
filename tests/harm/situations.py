"""Situations that must do no harm: a program runs plain, then under us, and what differs fails the test.

A *situation* is a sentence, the section of docs/reliability.md that it stands in, and a function that runs it once on a `Side`:
plain (no collector), or ours. Both outcomes must be equal in exit status, standard output, standard error and `answers`, and ours may
take `longer` seconds more at most. What ours must have sent is asserted by `delivered`.

    HOSTILE = Situation(
        "a value whose repr raises",
        "Running",
        program("hostile_repr.py"),                       # a file in tests/harm/programs, a path, or source text
        delivered=spans(3),
    )

    @pytest.mark.parametrize("situation", cases(HOSTILE))
    def test_no_harm(situation: Situation, sides: Sides) -> None:
        situation.judge(sides)

How to add one
- A new file `tests/harm/test_<what>.py` has a `SITUATIONS` tuple, a `SHOWN` tuple (may be left out), and the one test above over
  `cases(*SITUATIONS)`; the fixture `sides` is that of tests/harm/conftest.py. Names are unique over all files.
- `program(text_or_file, *arguments, flags=, env=, settings=, door=, send=, timeout=)` makes the function for a program that runs to
  its end. With `send=signal.SIGTERM` it prints a line "ready", gets the signal, and the seconds are those from the signal to the end.
- A server, or anything that is talked to while it runs, is a function of its own: `def run(side: Side) -> Outcome`. It starts its
  process by `side.service(words, port)` (a `tests.processes.Service`) or `side.run(words)`, and returns
  `Outcome(status, stdout, stderr, seconds, answers=…, figures={"p99 ms": 1.2})`. `answers` is compared; `figures` are not, they are
  published for both sides. `side.ours` tells which side it is; what the collector of ours should do is said to `side.collector`.
- A program may write figures of its own as JSON into the file that the variable HARM_FIGURES names.
- `compare=` names the fields that must be equal, where one of them cannot be; `tidy=` removes from the output what differs between any
  two runs (process ids, addresses). `quick=True` puts the situation into the fast suite; else it is marked slow.
- What another test shows already is `Shown("sentence", "Start", "tests/distro/test_start.py::test_name")` in `SHOWN`.
- `make harm` runs them all; `make harm PUBLISH=1` writes the figures into docs/reliability.md; `make generate` writes the list.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.harm.figures import record
from tests.processes import Service, _Process, door, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from platform_instrument.testing.collector import Collector

Section = Literal["Start", "Running", "Transparency", "Fork and leaving", "Outage", "Servers"]
SECTIONS: tuple[Section, ...] = ("Start", "Running", "Transparency", "Fork and leaving", "Outage", "Servers")

PROGRAMS = Path(__file__).parent / "programs"
LONGER = 10.0
"""How many seconds ours may take more, unless a situation says otherwise."""
PATIENT = {"PLATFORM_FLUSH_TIMEOUT": "20"}
"""For a machine that does other things as well: whether all arrives is asked, and what lasts too long is found by `LONGER`."""


@dataclass(frozen=True)
class Outcome:
    """How one run went: `status` is negative where a signal ended it; `seconds` are of the wall clock."""

    status: int
    stdout: str
    stderr: str
    seconds: float
    answers: Any = None
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """Where a situation is run: `collector` is None on the plain side. Both sides have the same folder, which is empty at first."""

    folder: Path
    collector: Collector | None = None

    @property
    def ours(self) -> bool:
        """Say whether this is the instrumented side."""
        return self.collector is not None

    def started(self, words: Sequence[str | Path], env: Mapping[str, str], settings: Mapping[str, str], way: str) -> _Process:
        """Start a process, through a door of ours on our side; `settings` are for our side alone."""
        argv, variables = door(way, words) if self.ours else ([str(word) for word in words], {})
        told = {"HARM_FIGURES": str(self.folder / "figures.json"), **env, **variables, **(settings if self.ours else {})}
        if "PYTHONPATH" in variables and "PYTHONPATH" in env:
            told["PYTHONPATH"] = os.pathsep.join([variables["PYTHONPATH"], env["PYTHONPATH"]])
        return _Process(argv, environment(told, self.collector), self.folder)

    def run(  # noqa: PLR0913 - what a process takes
        self,
        words: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        way: str = "command",
        send: int | None = None,
        timeout: float = 60,
    ) -> Outcome:
        """Run a program to its end, or end it with a signal once it has printed "ready"."""
        began = time.monotonic()
        with self.started(words, env or {}, settings or {}, way) as process:
            if send is not None:
                began = _signalled(process, send, timeout)
            if not process.ended_within(timeout):
                message = f"{process.title} ran for more than {timeout} s\n{process.output()}"
                raise AssertionError(message)
            seconds = time.monotonic() - began
            return Outcome(process.popen.returncode, process.stdout, process.stderr, seconds, figures=self._figures())

    def service(  # noqa: PLR0913 - what a server takes
        self,
        words: Sequence[str | Path],
        port: int,
        *,
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        way: str = "command",
        timeout: float = 30,
    ) -> Service:
        """Return a server to be entered, through a door of ours on our side."""
        argv, variables = door(way, words) if self.ours else ([str(word) for word in words], {})
        merged = {**variables, **(env or {}), **((settings or {}) if self.ours else {})}
        return Service(argv, port, env=merged, collector=self.collector, cwd=self.folder, timeout=timeout)

    def script(self, text_or_file: str | Path) -> Path:
        """Return the file of a program: its path, its name in tests/harm/programs, or one that is written with this text."""
        if isinstance(text_or_file, Path):
            return text_or_file
        if text_or_file.endswith(".py") and "\n" not in text_or_file:
            return PROGRAMS / text_or_file
        file = self.folder / "program.py"
        file.write_text(text_or_file, encoding="utf-8")
        return file

    def _figures(self) -> dict[str, float]:
        file = self.folder / "figures.json"
        if not file.exists():
            return {}
        found: dict[str, float] = json.loads(file.read_text())
        file.unlink()
        return found


def _signalled(process: _Process, number: int, timeout: float) -> float:
    """Send a signal once the program is ready; return when it was sent."""
    deadline = time.monotonic() + timeout
    while "ready\n" not in process.stdout:
        assert not process.ended_within(0.02), f"{process.title} ended before it was ready\n{process.output()}"
        assert time.monotonic() < deadline, f"{process.title} was not ready\n{process.output()}"
    process.ended_within(0.1)  # the call that follows the line
    sent = time.monotonic()
    process.popen.send_signal(number)
    return sent


@dataclass(frozen=True)
class Sides:
    """What a test of situations needs: a folder for each side's turn, and a collector."""

    folder: Path
    collector: Collector

    def plain(self) -> Side:
        """Return the side without us."""
        return self._side(None)

    def ours(self) -> Side:
        """Return the side with us."""
        return self._side(self.collector)

    def _side(self, collector: Collector | None) -> Side:
        """Return a side; its folder is at the same path both times, and empty."""
        folder = self.folder / "here"
        if folder.exists():
            folder.rename(self.folder / "plain")
        folder.mkdir()
        return Side(folder, collector)


def nothing(_collector: Collector, _ours: Outcome) -> None:
    """Ask nothing of the collector."""


def as_it_is(text: str) -> str:
    """Leave an output as it is."""
    return text


@dataclass(frozen=True)
class Situation:
    """One row of docs/reliability.md that is run here."""

    name: str
    section: Section
    run: Callable[[Side], Outcome]
    delivered: Callable[[Collector, Outcome], None] = nothing
    compare: tuple[str, ...] = ("status", "stdout", "stderr", "answers")
    tidy: Callable[[str], str] = as_it_is
    longer: float = LONGER
    quick: bool = False

    def judge(self, sides: Sides) -> None:
        """Run it on both sides; fail where they differ, where ours takes too long, or where something did not arrive."""
        plain, ours = (self._tidied(self.run(side())) for side in (sides.plain, sides.ours))
        unequal = {name: (getattr(plain, name), getattr(ours, name)) for name in self.compare}
        unequal = {name: pair for name, pair in unequal.items() if pair[0] != pair[1]}
        assert unequal == {}, f"plain and instrumented differ: {unequal}\n--- stderr of ours\n{ours.stderr}"
        assert ours.seconds <= plain.seconds + self.longer
        self.delivered(sides.collector, ours)
        record(self.name, {"seconds": plain.seconds, **plain.figures}, {"seconds": ours.seconds, **ours.figures})

    def _tidied(self, outcome: Outcome) -> Outcome:
        return replace(outcome, stdout=self.tidy(outcome.stdout), stderr=self.tidy(outcome.stderr))


@dataclass(frozen=True)
class Shown:
    """One row of docs/reliability.md that another test shows: `test` is its file and its function."""

    name: str
    section: Section
    test: str


def program(  # noqa: PLR0913 - what a process takes
    text_or_file: str | Path,
    *arguments: str,
    flags: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    way: str = "command",
    send: int | None = None,
    timeout: float = 60,
) -> Callable[[Side], Outcome]:
    """Return what runs a Python program on a side; see `Side.run`."""

    def once(side: Side) -> Outcome:
        words = [sys.executable, *flags, side.script(text_or_file), *arguments]
        return side.run(words, env=env, settings={**PATIENT, **(settings or {})}, way=way, send=send, timeout=timeout)

    return once


def spans(count: int, name: str = "") -> Callable[[Collector, Outcome], None]:
    """Return what asserts that so many spans arrived, whose name begins so, and each of them once."""

    def delivered(collector: Collector, _ours: Outcome) -> None:
        found = collector.wait_for(lambda spans: sum(span.name.startswith(name) for span in spans) >= count)
        ids = [span.span_id for span in found if span.name.startswith(name)]
        assert len(ids) == len(set(ids)) == count, sorted(span.name for span in found)

    return delivered


def at_least(count: int, name: str = "") -> Callable[[Collector, Outcome], None]:
    """Return what asserts that so many spans or more arrived, whose name begins so, and each of them once."""

    def delivered(collector: Collector, _ours: Outcome) -> None:
        found = collector.wait_for(lambda spans: sum(span.name.startswith(name) for span in spans) >= count)
        ids = [span.span_id for span in found]
        assert len(ids) == len(set(ids))

    return delivered


def cases(*situations: Situation) -> list[Any]:
    """Return situations as parameters of a test: marked slow, but for quick ones."""
    return [
        pytest.param(each, id=each.name.replace(" ", "-"), marks=[] if each.quick else [pytest.mark.slow]) for each in situations
    ]


__all__ = ["SECTIONS", "Outcome", "Shown", "Side", "Sides", "Situation", "at_least", "cases", "program", "spans"]
