"""`platform-instrument site`: a folder of one's own for `PYTHONPATH`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from platform_instrument.distro.site_folder import is_ours, rendered
from tests.cli.examination import COMMAND, STATEMENT, program
from tests.processes import SITE, run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter that has nothing of ours and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as `pip install --target` leaves it."""
    folder = tmp_path_factory.mktemp("packages")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SITE.parent / "platform_instrument", folder / "platform_instrument", ignore=ignored)
    return folder


def test_a_rendered_folder_starts_telemetry_in_an_image_that_has_nothing_of_ours(
    bare: Path, packages: Path, tmp_path: Path, collector: Collector
) -> None:
    written = run([COMMAND, "site", tmp_path / "site", "--packages", tmp_path / "others", packages])
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert [file.name for file in (tmp_path / "site").iterdir()] == ["sitecustomize.py"]
    told = "import sys\nprint(sys.path[-2:])\n"
    plain = run([bare, program(tmp_path, STATEMENT)], collector=collector)
    done = run([bare, program(tmp_path, STATEMENT + told)], env={"PYTHONPATH": str(tmp_path / "site")}, collector=collector)
    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr) == (0, "")
    assert done.stdout == f"{[str(tmp_path / 'others'), str(packages)]}\n", "what the image has comes first"
    (span,) = collector.wait_for(1)
    assert span.attributes["db.query.text"] == "select ?"


def test_without_packages_it_is_the_shipped_folder(tmp_path: Path) -> None:
    assert run([COMMAND, "site", tmp_path]).returncode == 0
    assert (tmp_path / "sitecustomize.py").read_text() == (SITE / "sitecustomize.py").read_text() == rendered(())


def test_it_is_rendered_anew_over_ours_and_never_over_another_ones(tmp_path: Path) -> None:
    assert run([COMMAND, "site", tmp_path]).returncode == 0
    assert run([COMMAND, "site", tmp_path, "--packages", "/telemetry"]).returncode == 0
    assert "\nPACKAGES = ('/telemetry',)\n" in (tmp_path / "sitecustomize.py").read_text()
    (tmp_path / "sitecustomize.py").write_text("own = 1\n")
    refused = run([COMMAND, "site", tmp_path])
    assert (refused.returncode, refused.stderr.count("\n"), is_ours(str(tmp_path))) == (1, 1, False)
    assert (tmp_path / "sitecustomize.py").read_text() == "own = 1\n"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = run([COMMAND, "site", tmp_path / "file"])
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("words", [[], ["--packages", "x"], ["x", "y"], ["x", "--packages"]])
def test_a_wrong_call_prints_the_usage_and_writes_nothing(words: list[str], tmp_path: Path) -> None:
    ended = run([COMMAND, "site", *words], cwd=tmp_path)
    assert (ended.returncode, ended.stderr.partition(" [")[0]) == (2, "usage: platform-instrument site FOLDER")
    assert list(tmp_path.iterdir()) == []
    assert run([COMMAND, "site", "--help"]).stdout == ended.stderr
