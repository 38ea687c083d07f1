"""Installed in every way that there is: the doors open, nothing is left behind, and nothing of ours prints."""

from __future__ import annotations

import os
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.environments import ROOT, SUPPORTED, build_wheel, interpreter, make_venv, needed, pip, run_tool, site_packages
from tests.processes import BIN, Completed, run

if TYPE_CHECKING:
    from pathlib import Path

TELL = """
import sys
startup = sys.modules.get("platform_instrument.distro.startup")
started = startup.STARTED if startup else None
print("instrumented" if started and not started.reason else "plain")
"""
WORK = """
import logging, sqlite3, sys
logging.basicConfig(stream=sys.stdout, format="%(message)s")
sqlite3.connect(":memory:").execute("SELECT 1")
logging.getLogger().warning("worked")
"""
INSTRUMENTED = Completed(0, "instrumented\n", "")
PLAIN = Completed(0, "plain\n", "")
AUTO = {"PLATFORM_AUTO": "1"}
CONSOLE = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` of an environment with our wheel and nothing else: what it depends on may be missing."""
    binaries = make_venv(tmp_path_factory.mktemp("installed") / "venv")
    pip(binaries, "install", "--no-index", "--no-deps", wheel)
    return binaries


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return program(tmp_path, TELL)


def program(folder: Path, text: str, name: str = "program.py") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def copied(binaries: Path, folder: Path) -> Path:
    """Return the `bin` of a copy of an environment, which a test may change."""
    shutil.copytree(binaries.parent, folder, symlinks=True)
    return folder / "bin"


def entries(binaries: Path) -> set[str]:
    """Return what is in an environment, but for bytecode."""
    places = (binaries, site_packages(binaries))
    return {
        str(file.relative_to(binaries.parent)) for place in places for file in place.rglob("*") if "__pycache__" not in file.parts
    }


def works(binaries: Path, folder: Path) -> None:
    """See that both doors open, and that a query leaves a span, in an environment that may hold nothing but us."""
    told, working = program(folder, TELL), program(folder, WORK, "working.py")
    python, command = binaries / "python", binaries / "platform-instrument"
    assert run([python, told]) == PLAIN
    assert run([python, told], env=AUTO) == INSTRUMENTED
    assert run([command, python, told]) == INSTRUMENTED
    assert run([command, python, "-I", told]) == INSTRUMENTED
    for done in (run([command, python, working], env=CONSOLE), run([python, working], env={**CONSOLE, **AUTO})):
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("worked\n")
        assert "sqlite SELECT ?" in done.stdout.replace("select", "SELECT")


def test_alone_without_what_it_depends_on_it_starts_and_observes(installed: Path, tmp_path: Path) -> None:
    works(installed, tmp_path)


def test_uninstalled_it_leaves_nothing_behind(installed: Path, wheel: Path, tmp_path: Path, told: Path) -> None:
    binaries = copied(installed, tmp_path / "venv")
    pip(binaries, "uninstall", "-y", "platform-instrument")
    left = entries(binaries)
    assert {entry for entry in left if "platform_instrument" in entry.replace("-", "_")} == set()
    assert not (site_packages(binaries) / "platform_instrument").exists()
    assert run([binaries / "python", told], env=AUTO) == PLAIN
    pip(binaries, "install", "--no-index", "--no-deps", wheel)
    assert entries(binaries) == entries(installed)


@pytest.mark.parametrize("missing", ["platform_instrument", "platform_instrument/_boot.py"])
def test_a_pth_whose_package_is_gone_never_prints(missing: str, installed: Path, tmp_path: Path, told: Path) -> None:
    binaries = copied(installed, tmp_path / "venv")
    gone = site_packages(binaries) / missing
    shutil.rmtree(gone, ignore_errors=True)
    gone.unlink(missing_ok=True)
    assert run([binaries / "python", told], env=AUTO) == PLAIN


def test_a_package_that_is_half_there_is_one_line_and_the_program_runs(installed: Path, tmp_path: Path, told: Path) -> None:
    binaries = copied(installed, tmp_path / "venv")
    shutil.rmtree(site_packages(binaries) / "platform_instrument" / "distro")
    said = "platform-instrument: not started: ModuleNotFoundError: No module named 'platform_instrument.distro'\n"
    done = run([binaries / "python", told], env=AUTO)
    assert (done.returncode, done.stdout) == (0, "plain\n")
    assert set(done.stderr.splitlines(keepends=True)) == {said}


def test_a_venv_that_sees_another_starts_once(installed: Path, tmp_path: Path) -> None:
    """As `--system-site-packages` shows one environment's packages to another, and tools stack them."""
    inner = make_venv(tmp_path / "inner", installed / "python", "--without-pip", "--system-site-packages")
    stacked = f"import site; site.addsitedir({str(site_packages(installed))!r})\n"
    (site_packages(inner) / "_stacked.pth").write_text(stacked)
    text = TELL + "import sys; print(sum(type(finder).__module__.startswith('platform_instrument') for finder in sys.meta_path))"
    file = program(tmp_path, text)
    assert run([inner / "python", file], env=AUTO).stdout == "instrumented\n1\n"
    assert run([installed / "platform-instrument", inner / "python", file]).stdout == "instrumented\n1\n"


def test_the_command_of_one_venv_starts_a_program_in_another(installed: Path, tmp_path: Path) -> None:
    other = make_venv(tmp_path / "other", installed / "python", "--without-pip")
    file = program(tmp_path, TELL + "print([place for place in sys.path if place.endswith('site-packages')])")
    expected = Completed(0, f"instrumented\n{[str(site_packages(other))]}\n", "")
    assert run([installed / "platform-instrument", other / "python", file]) == expected


def test_a_target_folder_on_the_path_opens_both_doors(installed: Path, wheel: Path, tmp_path: Path, told: Path) -> None:
    target = tmp_path / "target"
    pip(installed, "install", "--no-index", "--no-deps", "--target", target, wheel)
    bare = make_venv(tmp_path / "bare", installed / "python", "--without-pip") / "python"
    assert run([bare, told], env={"PYTHONPATH": str(target), **AUTO}) == PLAIN  # such a folder's `.pth` files are not read
    assert run([bare, target / "bin" / "platform-instrument", bare, told], env={"PYTHONPATH": str(target)}) == INSTRUMENTED
    assert run([bare, told], env={"PYTHONPATH": str(target / "platform_instrument_site")}) == INSTRUMENTED


def test_it_runs_from_inside_an_archive(installed: Path, wheel: Path, tmp_path: Path, told: Path) -> None:
    bare = make_venv(tmp_path / "bare", installed / "python", "--without-pip") / "python"
    archive = tmp_path / "bundle.pyz"
    with zipfile.ZipFile(wheel) as packed, zipfile.ZipFile(archive, "w") as bundle:
        for name in packed.namelist():
            bundle.writestr(name, packed.read(name))
        bundle.writestr("__main__.py", "import sys\nfrom platform_instrument.cli.main import main\nsys.exit(main())\n")
    assert run([bare, archive, bare, told]) == INSTRUMENTED
    assert run([bare, told], env={"PYTHONPATH": f"{archive}/platform_instrument_site"}) == INSTRUMENTED
    done = run([bare, archive, bare, program(tmp_path, WORK, "working.py")], env=CONSOLE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "sqlite" in done.stdout


OTHERS = ("2.7", "3.6", "3.7", "3.8", "3.9", *SUPPORTED)


@pytest.mark.parametrize("version", OTHERS)
def test_the_folder_of_one_interpreter_serves_every_other(version: str, installed: Path, tmp_path: Path) -> None:
    """A child under another Python inherits the path: it is instrumented, or too old and then as without us."""
    python = needed(version)
    own = tmp_path / "own"
    own.mkdir()
    program(own, "print('own sitecustomize')", "sitecustomize.py")
    text = TELL + "import sys\nprint([name for name in sys.modules if name in ('pip', 'pytest', 'wrapt')])"
    words = [python, program(tmp_path, text)]
    plain = run(words, env={"PYTHONPATH": str(own)})
    assert plain == Completed(0, "own sitecustomize\nplain\n[]\n", "")
    done = run(words, env={"PYTHONPATH": f"{site_packages(installed) / 'platform_instrument_site'}:{own}"})
    expected = plain.stdout.replace("plain", "instrumented") if version in SUPPORTED else plain.stdout
    assert done == Completed(0, expected, "")


def test_uv_run_opens_both_doors(installed: Path, tmp_path: Path, told: Path) -> None:
    uv = shutil.which("uv", path=f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if uv is None:
        pytest.skip("uv is not installed")
    words = [uv, "run", "--quiet", "--offline", "--no-project", "--python", installed / "python"]
    inside = {"VIRTUAL_ENV": str(installed.parent)}
    assert run([*words, "--active", "platform-instrument", "python", told], env=inside, cwd=tmp_path) == INSTRUMENTED
    assert run([*words, "--active", "python", told], env={**inside, **AUTO}, cwd=tmp_path) == INSTRUMENTED


# --- what needs the package index, or time ----------------------------------------------------------------------------

EVERY = [version for version in SUPPORTED if interpreter(version)]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", EVERY)
def test_a_wheel_works_on_every_interpreter(version: str, wheel: Path, tmp_path: Path) -> None:
    alone = make_venv(tmp_path / "alone", needed(version))
    pip(alone, "install", "--no-index", "--no-deps", wheel)
    works(alone, tmp_path)
    whole = make_venv(tmp_path / "whole", needed(version))
    pip(whole, "install", wheel)
    pip(whole, "check")
    works(whole, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", EVERY)
def test_an_editable_install_opens_both_doors(version: str, tmp_path: Path) -> None:
    binaries = make_venv(tmp_path / "venv", needed(version))
    pip(binaries, "install", "--no-deps", "--editable", ROOT)
    works(binaries, tmp_path)
    pip(binaries, "uninstall", "-y", "platform-instrument")
    assert run([binaries / "python", program(tmp_path, TELL)], env=AUTO) == PLAIN


PINS = ("opentelemetry-api==1.21.*", "opentelemetry-api==1.27.*", "opentelemetry-api==1.39.*", "opentelemetry-api")
SERVICE = ("uvicorn", "gunicorn", "pytest-timeout", "typing-extensions", "setuptools<81")
"""With `pkg_resources`, which the door of upstream's before 0.50 needs."""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", [EVERY[0], EVERY[-1]])
@pytest.mark.parametrize("pin", PINS)
def test_it_installs_beside_a_service_that_pins_opentelemetry_and_every_door_opens(
    pin: str, version: str, wheel: Path, tmp_path: Path
) -> None:
    binaries = make_venv(tmp_path / "venv", needed(version))
    extras = f"platform-instrument[testing,upstream,grpc,yaml] @ {wheel.as_uri()}"
    pip(
        binaries, "install", "--upgrade", "pip>=25.1"
    )  # before, it gives up on a pin together with an extra: Python 3.13.0 has 24.2
    pip(binaries, "install", extras, pin, *SERVICE)
    pip(binaries, "check")
    quiet = (
        "-p",
        "no:cacheprovider",
        "-W",
        "ignore::DeprecationWarning",
    )  # of protobuf 4, which old pins bring, under Python 3.12
    doors = run_tool(binaries / "python", "-m", "pytest", "-q", *quiet, "tests/distro/test_doors.py", cwd=ROOT)
    assert "12 passed" in doors
