"""A library's own tests, run without telemetry and under it, in an environment made for them outside the project's folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.environments import ROOT, install, run_tool
from tests.own_servers import own
from tests.processes import environment
from tests.suites.comparing import Difference, Outcomes, differences, read
from tests.suites.table import SUITES, WITHOUT_PROPAGATORS, Suite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PLAIN, DOORS = "plain", ("command", "auto")
AGAIN = 3
"""How often tests that ended otherwise are run again by themselves, both ways."""
COLLECTION = " (collection)"
"""The end of what the plugin calls a file that could not be collected."""
_FILTERED: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""How archives are unpacked where Python can be told: since 3.10.12 and 3.11.4."""
UNSTEADY = frozenset(("failed", "error"))
"""Ends that may be a matter of luck; that the whole run ended is none."""
_LONGEST = 2_400.0
_PLUGIN = Path(__file__).parent / "plugin" / "suite_outcomes.py"
_GROUPS = ("test", "tests", "testing", "dev")
_NOWHERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
"""Nobody listens at the discard port: what a developer's machine without a collector is like."""
SILENT = "-silent"
"""The end of the names of what is kept of the run without propagators."""


@dataclass(frozen=True)
class Report:
    """What two runs of a suite came to."""

    name: str
    version: str
    plain: Outcomes
    observed: Outcomes
    differences: list[Difference]
    unsteady: list[Difference]
    """What ended otherwise once, and the same way as without telemetry when it was run again."""
    silent: list[Difference] = field(default_factory=list)
    """Where a run without propagators differs from the plain one, so that nothing is added to what goes out."""

    @property
    def harmful(self) -> list[Difference]:
        """Return the failures that only telemetry makes, without a reason, each once."""
        return list({each.test: each for each in (*self.silent, *self.differences) if each.harms}.values())

    @property
    def explained(self) -> bool:
        """Say whether there is a reason for each difference."""
        return all(each.reason for each in (*self.differences, *self.silent))


class Environment:
    """A copy of a library's source, and an environment with the library, what its tests need, and us."""

    def __init__(self, name: str, source: Path, folder: Path, suite: Suite | None = None) -> None:
        self.name = name
        self.folder = folder
        self.suite = SUITES.get(name, Suite()) if suite is None else suite
        self.url = ""
        self.source = unpacked(source, folder / "source")
        self._bin = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self._python = self._bin / "python"

    def make(self) -> str:
        """Install everything; return the version of the library."""
        uv = Path(sys.executable).with_name("uv")
        pip = (uv, "pip", "install", "-q", "--no-sources", "--python", self._python)
        run_tool(uv, "venv", "-q", "--clear", "--python", sys.executable, self.folder / "venv")
        wanted = self.suite.requires or _declared(self.source)
        packages = [f"{self.source / package}{self.suite.extras}" for package in self.suite.packages]
        install(pip, *packages, *wanted, "pytest", "--editable", ROOT, timeout=600)
        (site,) = (self.folder / "venv" / "lib").glob("python*/site-packages")
        shutil.copy(_PLUGIN, site)
        asks = f"from importlib.metadata import version; print(version({self.name!r}))"
        return run_tool(self._python, "-c", asks).strip()

    def prepare(self) -> None:
        """Do what has to be done once before the tests, where the server is."""
        for words in self.suite.before:
            run_tool(self._python, *[word.format(url=self.url) for word in words], cwd=self.source)

    def run(self, way: str, tests: Sequence[str] = (), settings: Mapping[str, str] | None = None, kept: str = "") -> Outcomes:
        """Run the suite, or some of its tests, plain or by one of our doors, with the default settings or others.

        What is kept of it, its outcomes and what it printed, is named by the way and by the end given.
        """
        found, log = self.folder / f"{way}{kept}.outcomes", self.folder / f"{way}{kept}.log"
        found.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "cache", ignore_errors=True)
        options = ["-o", f"cache_dir={self.folder / 'cache'}", "-p", "suite_outcomes", f"--suite-outcomes={found}"]
        options.append("--continue-on-collection-errors")
        door: list[str | Path] = [self._bin / "platform-instrument"] if way == "command" else []
        arguments = [each.format(url=self.url) for each in self.suite.arguments]
        chosen = tests or self.suite.folder.split()
        command = [*door, self._python, "-m", "pytest", *options, *arguments, *chosen]
        variables = {"PATH": f"{self._bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}", "PYTHONDONTWRITEBYTECODE": "1"}
        variables |= {name: text.format(url=self.url) for name, text in self.suite.variables.items()}
        if way != PLAIN:
            variables |= _NOWHERE
            variables |= self.suite.settings
        variables |= settings or {}
        if way == "auto":
            variables["PLATFORM_AUTO"] = "1"
        with log.open("wb") as output:
            subprocess.run(
                command,
                cwd=self.source,
                env=environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_LONGEST,
                check=False,
            )
        return read(found.read_text(encoding="utf-8").splitlines()) if found.exists() else {}


def report(name: str, source: Path, folder: Path, door: str = "command", suite: Suite | None = None) -> Report:
    """Run a suite both ways and compare; a test that differs is run again by itself, since some are unsteady anyway."""
    made = Environment(name, source, folder, suite)
    version = made.make()
    with contextlib.nullcontext() if made.suite.server is None else own(made.suite.server) as server:
        made.url = "" if server is None else server.url
        made.prepare()
        return _compared(made, version, door)


def _compared(made: Environment, version: str, door: str) -> Report:
    known = made.suite.known
    plain, observed, silent = made.run(PLAIN), made.run(door), made.run(door, settings=WITHOUT_PROPAGATORS, kept=SILENT)
    logs = {path: path.read_bytes() for path in made.folder.glob("*.log")}
    found = _confirmed(made, door, differences(plain, observed, known))
    unsteady = _unsteady(made, door, found, plain)
    others = {name: why for name, why in known.items() if why.settings != WITHOUT_PROPAGATORS}
    found_silent = differences(plain, silent, others)
    unsteady_silent = _unsteady(made, door, found_silent, plain, WITHOUT_PROPAGATORS)
    for path, text in logs.items():
        path.write_bytes(text)
    return Report(
        made.name,
        version,
        plain,
        observed,
        [each for each in found if each.test not in unsteady],
        [each for each in found if each.test in unsteady],
        [each for each in found_silent if each.test not in unsteady_silent],
    )


def _confirmed(made: Environment, door: str, found: list[Difference]) -> list[Difference]:
    """Take the reason from differences that stay where what is said to make them is off."""
    kept = {each.test: each for each in found}
    for reason in set(made.suite.known.values()):
        tests = sorted(each.test for each in found if each.reason == reason)
        again = made.run(door, tests, reason.settings) if tests and reason.settings else None
        for test in tests if again is not None else ():
            if again.get(test) != kept[test].plain:
                kept[test] = replace(kept[test], reason=None)
    return list(kept.values())


def _unsteady(
    made: Environment, door: str, found: list[Difference], plain: Outcomes, settings: Mapping[str, str] | None = None
) -> set[str]:
    """Return those that end otherwise without telemetry too when they are run again under these settings, which the API reads as
    well, or under it as they did without each time.
    """
    suspects = {each.test for each in found if not each.reason and not {each.plain, each.observed}.isdisjoint(UNSTEADY)}
    left = {test for test in suspects if plain and not test.endswith(COLLECTION)}
    unsteady: set[str] = set()
    for way in (PLAIN, *[door] * AGAIN):
        if left:
            again = made.run(way, sorted(left), settings)
            same = {test for test in left if again.get(test) == plain.get(test)}
            unsteady |= left - same if way == PLAIN else set()
            left = same
    return left | unsteady


def unpacked(source: Path, folder: Path) -> Path:
    """Copy a folder, an archive or a repository without a work tree; return the folder that the project is in."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if source.is_file():
        shutil.unpack_archive(source, folder, **({} if source.suffix == ".zip" else _FILTERED))
    elif (source / "objects").is_dir():
        tar = folder.with_suffix(".tar")
        run_tool("git", "-C", source, "archive", "--output", tar, "HEAD")
        shutil.unpack_archive(tar, folder, **_FILTERED)
        tar.unlink()
    else:
        shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git", ".venv", ".tox"))
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _declared(source: Path) -> tuple[str, ...]:
    """Return options that install what a project says of its tests: a group of dependencies, or an extra."""
    path = source / "pyproject.toml"
    if not path.exists():
        return ()
    project: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli").loads(path.read_text(encoding="utf-8"))
    groups, extras = project.get("dependency-groups", {}), project.get("project", {}).get("optional-dependencies", {})
    for group in _GROUPS:
        if group in groups:
            return ("--group", f"{path}:{group}")
        if group in extras:
            return (f"{source}[{group}]",)
    return ()
