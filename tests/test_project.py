"""The house rules, held by tests: size, names, the one guard, the one reader of the environment, what the wheel holds."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.environments import SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "platform_instrument"

MOST_LINES = 300
MOST_LINES_OF_A_TEST = 600
MOST_LINES_OF_A_LIBRARY = 120
MOST_LINES_OF_A_FUNCTION = 40
NOWHERE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "handler", "handlers", "misc"}


def sources() -> list[Path]:
    """Return every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def own_code() -> list[Path]:
    """Return every Python file of the project."""
    places = ("src", "tests", "docs", "examples", "benchmarks")
    return sorted(file for place in places for file in (ROOT / place).rglob("*.py"))


def tracked() -> list[Path]:
    """Return every text file that belongs to the project."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)  # noqa: S607 - git, wherever it is
    if listed.returncode:
        pytest.skip("this is not a checkout: nothing says which files belong to it")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file() and b"\0" not in file.read_bytes()[:4096]]


def length(file: Path) -> int:
    return len(file.read_text().splitlines())


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    """A test file is a list of promises, each read by itself, and may be longer."""

    def most(file: Path) -> int:
        return MOST_LINES_OF_A_TEST if file.is_relative_to(ROOT / "tests") else MOST_LINES

    assert {name(file): length(file) for file in own_code() if length(file) > most(file)} == {}


def test_a_library_module_is_small() -> None:
    modules = sorted((PACKAGE / "instrumentations").glob("[!_]*.py"))
    assert modules
    assert {name(file): length(file) for file in modules if length(file) > MOST_LINES_OF_A_LIBRARY} == {}


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function does its work in: without signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {f"{name(file)}:{function.name}": lines_of(function) for file in sources() for function in functions(file)}
    assert len(lengths) > 500
    assert {function: lines for function, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_modules_are_nouns_of_the_domain() -> None:
    assert [name(file) for file in sources() if NOWHERE & {file.stem, *file.parent.relative_to(PACKAGE).parts}] == []


def test_every_module_promises_something() -> None:
    silent = [name(file) for file in sources() if file.read_text().strip() and not ast.get_docstring(ast.parse(file.read_text()))]
    assert silent == []


def test_packages_hold_no_logic() -> None:
    kinds = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign, ast.AnnAssign)
    inits = [file for file in sources() if file.name == "__init__.py" and file.parent != PACKAGE]
    assert inits

    def holds_logic(nodes: list[ast.stmt]) -> bool:
        """Say so; imports for the type checker alone stand in an `if`."""
        return any(not isinstance(node, kinds) and (not isinstance(node, ast.If) or holds_logic(node.body)) for node in nodes)

    assert [name(file) for file in inits if holds_logic(ast.parse(file.read_text()).body)] == []


def catches_everything(file: Path) -> bool:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if node.type is None or any(isinstance(kind, ast.Name) and kind.id == "Exception" for kind in caught):
                return True
    return False


def test_exceptions_of_ours_are_contained_in_one_place() -> None:
    """`_boot` starts before the guard is there; the collector of tests answers with what it could not parse."""
    allowed = {"core/guard.py", "_boot.py", "testing/collector.py"}
    assert {str(file.relative_to(PACKAGE)) for file in sources() if catches_everything(file)} - allowed == set()


def test_the_environment_is_read_by_start_and_config_alone() -> None:
    """`config` is handed the environment by start-up; the command hands on a changed one.

    Every HTTP client of Python looks for the proxies that the system names; ours does too, and gRPC, whose channels are checked.
    """
    allowed = {"_boot.py", "cli", "config", "distro", "testing", "telemetry/connection.py", "runtime/health/channels.py"}
    readers: set[str] = set()
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text())):
            attribute = isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "getenvb"}
            if attribute and isinstance(node.value, ast.Name) and node.value.id == "os":
                place = file.relative_to(PACKAGE)
                readers |= {str(place), place.parts[0]} & allowed or {str(place)}
    assert readers - allowed == set()
    assert "_boot.py" in readers


def test_nothing_is_left_for_later() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X:", "@pytest.mark.x" + "fail")
    assert [name(file) for file in own_code() if any(word in file.read_text() for word in words)] == []


def test_the_repository_speaks_of_the_product_alone() -> None:
    words = ("/work" + "/", "/opt/" + "pypi", "clau" + "de", "/root/" + ".pyenv", "sub" + "agent")
    files = tracked()
    assert len(files) > 100
    found = {name(file): word for file in files for word in words if word in file.read_text(errors="replace").lower()}
    assert found == {}


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert '\nlicense = "Apache-2.0"\n' in (ROOT / "pyproject.toml").read_text()


def test_every_make_target_says_what_it_does() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607 - make, wherever it is
    for target in ("demo", "test", "test-slow", "lint", "generate", "coverage", "bench", "build"):
        assert f"\n  make {target} " in f"\n{said}"


def of_a_checkout(path: str) -> str:
    """Return the text of a file that is not in the source archive."""
    if not (ROOT / path).exists():
        pytest.skip("this is not a checkout")
    return (ROOT / path).read_text()


def test_the_workflow_runs_make_targets_on_every_supported_interpreter() -> None:
    jobs = yaml.safe_load(of_a_checkout(".github/workflows/check.yml"))["jobs"]
    steps = {job: jobs[job]["steps"] for job in jobs}
    run = {job: [step["run"] for step in steps[job] if step.get("run", "").startswith("make ")] for job in jobs}
    assert {job: found[:1] for job, found in run.items()} == {
        "lint": ["make lint"],
        "audit": ["make audit"],
        "test": ["make test"],
        "slow": ["make test-slow"],
        "newcomer": ["make demo"],
    }
    for command in {command for found in run.values() for command in found}:
        subprocess.run([*shlex.split(command), "-n"], cwd=ROOT, check=True, capture_output=True)
    assert [version.removesuffix("-dev") for version in jobs["test"]["strategy"]["matrix"]["python"]] == [*SUPPORTED]
    (slow,) = (step["with"]["python-version"].split() for step in steps["slow"] if "with" in step)
    assert {version.removesuffix("-dev") for version in slow} == {*SUPPORTED}
    assert all("timeout-minutes" in job for job in jobs.values())


def test_the_package_says_the_oldest_interpreter_that_the_tests_run_on() -> None:
    assert f'\nrequires-python = ">={SUPPORTED[0]}"\n' in (ROOT / "pyproject.toml").read_text()


def test_nox_runs_the_tests_as_make_does() -> None:
    session = ast.parse(of_a_checkout("noxfile.py"))
    calls = [node for node in ast.walk(session) if isinstance(node, ast.Call) and ast.unparse(node.func) == "session.run"]
    ((pytest_of_nox),) = [[ast.unparse(word).strip("'") for word in call.args] for call in calls]
    said = subprocess.run(["make", "--no-print-directory", "-n", "test", "WORKERS=workers", "PYTEST_ARGS=*session.posargs"], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S607 - make, wherever it is  # fmt: skip
    assert pytest_of_nox[1:] == shlex.split(said.splitlines()[-1])[1:]
    (versions,) = (ast.literal_eval(node.value) for node in session.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PYTHONS")  # fmt: skip
    assert versions == [*SUPPORTED]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Return the wheel, built from the working tree by the back end that is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT], check=True, capture_output=True
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_fits_every_interpreter(wheel: zipfile.ZipFile) -> None:
    assert wheel.filename is not None
    assert wheel.filename.endswith("-py3-none-any.whl")


def test_the_wheel_holds_the_doors_at_its_root(wheel: zipfile.ZipFile) -> None:
    for door in ("platform_instrument.pth", "platform_instrument.start"):
        assert wheel.read(door) == (ROOT / "sitecustomize_templates" / door).read_bytes()
    assert len(wheel.read("platform_instrument.pth").splitlines()) == 1


def test_the_wheel_holds_a_folder_with_a_sitecustomize_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    folder = [entry for entry in wheel.namelist() if entry.startswith("platform_instrument_site/")]
    assert folder == ["platform_instrument_site/sitecustomize.py"]


def test_the_wheel_holds_the_package_and_no_test(wheel: zipfile.ZipFile) -> None:
    roots = {entry.partition("/")[0] for entry in wheel.namelist()}
    allowed = {"platform_instrument", "platform_instrument_site", "platform_instrument.pth", "platform_instrument.start"}
    assert {root for root in roots if not root.endswith(".dist-info")} == allowed
    modules = {name(file).removeprefix("src/") for file in sources()}
    assert modules - set(wheel.namelist()) == set()


def test_the_wheel_is_typed_and_licensed(wheel: zipfile.ZipFile) -> None:
    assert "platform_instrument/py.typed" in wheel.namelist()
    assert any(entry.endswith(".dist-info/licenses/LICENSE") for entry in wheel.namelist())


def test_the_wheel_declares_its_entry_points(wheel: zipfile.ZipFile) -> None:
    text = next(wheel.read(entry).decode() for entry in wheel.namelist() if entry.endswith("entry_points.txt"))
    points = ConfigParser()
    points.read_string(text)
    assert points["console_scripts"]["platform-instrument"] == "platform_instrument.cli.main:main"
    assert points["opentelemetry_distro"]["platform_instrument"] == "platform_instrument.distro.upstream:PlatformDistro"
    assert (
        points["opentelemetry_configurator"]["platform_instrument"] == "platform_instrument.distro.upstream:PlatformConfigurator"
    )
    assert points["pytest11"]["platform_instrument"] == "platform_instrument.testing.plugin"


def test_no_dependency_brings_the_sdk() -> None:
    """ADR 0007: redis-py imports the SDK at each start wherever it is installed."""
    brought: set[str] = set()
    waiting = ["platform-instrument"]
    while waiting:
        for requirement in metadata.requires(waiting.pop()) or ():
            wanted = re.match(r"[\w.-]+", requirement)
            dependency = canonical(wanted[0]) if wanted else ""
            if "extra ==" not in requirement and dependency not in brought and installed(dependency):
                brought.add(dependency)
                waiting.append(dependency)
    assert {"opentelemetry-api", "opentelemetry-instrumentation-redis", "opentelemetry-semantic-conventions"} <= brought
    assert "opentelemetry-sdk" not in brought


def canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def installed(distribution: str) -> bool:
    """Say whether a distribution is here: one for another system or an older Python may not be."""
    return bool(next(iter(metadata.distributions(name=distribution)), None))
