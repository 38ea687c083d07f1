"""A start is quiet, happens once, and in every way of starting Python that there is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipapp
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platform_instrument.config.schema import Settings
from tests.processes import BIN, SITE, Completed, door, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

COMMAND = BIN / "platform-instrument"
TELL = """
import sys
startup = sys.modules.get("platform_instrument.distro.startup")
started = startup.STARTED if startup else None
print("instrumented" if started and not started.reason else "plain", *sys.argv[1:])
"""
INSTRUMENTED, PLAIN = "instrumented\n", "plain\n"


def program(folder: Path, text: str = TELL, name: str = "program.py") -> Path:
    """Write a program into a folder."""
    file = folder / name
    file.write_text(text)
    return file


def started(*words: object, env: dict[str, str] | None = None, **options: object) -> Completed:
    """Run a program behind the command, and see that it ends well and says nothing of ours."""
    done = run([COMMAND, *map(str, words)], env=env, **options)  # type: ignore[arg-type]
    assert (done.returncode, done.stderr) == (0, "")
    return done


@pytest.mark.parametrize(
    "flags",
    [[], ["-O"], ["-OO"], ["-X", "utf8"], ["-W", "error"], ["-B", "-s"], ["-I"], ["-E"], ["-u"], ["-X", "dev"], ["-P"]],
    ids=" ".join,
)
def test_every_way_to_start_the_interpreter_is_instrumented(flags: list[str], tmp_path: Path) -> None:
    if "-P" in flags and sys.version_info < (3, 11):
        pytest.skip("-P came with Python 3.11")
    assert started(sys.executable, *flags, program(tmp_path)).stdout == INSTRUMENTED


def test_without_site_nothing_can_start_and_the_program_runs_as_it_is(tmp_path: Path) -> None:
    assert started(sys.executable, "-S", program(tmp_path)).stdout == PLAIN


def test_a_module_a_command_a_zip_and_standard_input_are_instrumented(tmp_path: Path) -> None:
    file = program(tmp_path, name="__main__.py")
    module = program(tmp_path, name="told.py")
    archive = tmp_path.parent / f"{tmp_path.name}.pyz"
    zipapp.create_archive(tmp_path, archive)
    assert started(sys.executable, "-m", module.stem, cwd=tmp_path).stdout == INSTRUMENTED
    assert started(sys.executable, "-c", TELL, "more").stdout == "instrumented more\n"
    assert started(sys.executable, archive).stdout == INSTRUMENTED
    assert started(sys.executable, tmp_path).stdout == INSTRUMENTED
    assert started(sys.executable, "-c", f"import runpy; runpy.run_path({str(file)!r})").stdout == INSTRUMENTED
    with file.open() as source:
        done = started(sys.executable, stdin=source)
    assert done.stdout == INSTRUMENTED


QUIET = "import json, sys, os\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)\n"


@pytest.mark.parametrize("way", ["command", "pth", "pythonpath"])
def test_the_output_and_exit_code_of_a_quiet_program_stay_the_same(way: str, tmp_path: Path) -> None:
    words = [sys.executable, program(tmp_path, QUIET)]
    argv, env = door(way, words)
    assert run(argv, env=env) == run(words) == Completed(3, "out\n", "err\n")


MODULES = "import sys\nprint(*sorted(sys.modules))\n"
HEAVY = {
    "asyncio",
    "concurrent",
    "dataclasses",
    "google",
    "grpc",
    "http",
    "importlib.metadata",
    "inspect",
    "json",
    "logging",
    "opentelemetry",
    "pathlib",
    "re",
    "requests",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "typing",
    "urllib",
    "wrapt",
}


@pytest.mark.parametrize("way", ["command", "pth", "pythonpath"])
def test_an_empty_program_imports_nothing_heavy_on_our_account(way: str, tmp_path: Path) -> None:
    words = [sys.executable, "-I", program(tmp_path, MODULES)]
    if way == "pythonpath":
        words.remove("-I")
    argv, env = door(way, words)
    plain, ours = (set(run(words).stdout.split()), set(run(argv, env=env).stdout.split()))
    assert "platform_instrument.distro.startup" in ours
    added = {name for name in ours - plain if not name.startswith("platform_instrument")}
    assert not added & HEAVY, added
    assert added <= {"sitecustomize", "__future__"}, added


def test_switched_off_nothing_of_ours_is_loaded(tmp_path: Path) -> None:
    for value in ("", "0", "false"):
        loaded = run([sys.executable, program(tmp_path, MODULES)], env={"PLATFORM_AUTO": value}).stdout.split()
        assert {name for name in loaded if "platform_instrument" in name} <= {"platform_instrument", "platform_instrument._boot"}
        assert value or "platform_instrument" not in loaded


@pytest.mark.parametrize("variable", [{"PLATFORM_ENABLED": "false"}, {"OTEL_SDK_DISABLED": "true"}])
def test_the_off_switches_leave_no_patch_and_no_hook(variable: dict[str, str], tmp_path: Path) -> None:
    text = "import sys, logging, sqlite3\nprint(logging.Handler.format.__module__, sqlite3.connect.__class__.__name__, len(sys.meta_path))"
    words = [sys.executable, program(tmp_path, text)]
    assert started(*words, env=variable).stdout == run(words).stdout


def test_two_doors_and_a_pth_that_is_read_twice_start_once(tmp_path: Path) -> None:
    text = "from platform_instrument.distro import startup\nimport sys\nprint(startup.STARTED.doors, len(sys.meta_path))"
    words = [sys.executable, program(tmp_path, text)]
    plain = run([*words[:1], "-c", "import sys; print(len(sys.meta_path))"]).stdout
    done = run(words, env={"PYTHONPATH": str(SITE), "PLATFORM_AUTO": "1"})
    assert "'sitecustomize'" in done.stdout
    assert "'pth'" in done.stdout
    assert int(done.stdout.rsplit(maxsplit=1)[-1]) == int(plain) + 1


def test_an_own_sitecustomize_and_usercustomize_run_as_well(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    program(own, "import sys\nprint('own sitecustomize', __file__.endswith('own/sitecustomize.py'))", "sitecustomize.py")
    program(own, "print('own usercustomize')", "usercustomize.py")
    text = TELL + "import sitecustomize\nprint(sitecustomize.__file__.endswith('own/sitecustomize.py'))"
    words = [sys.executable, program(tmp_path, text)]
    done = started(*words, env={"PYTHONPATH": str(own)})
    plain = run(words, env={"PYTHONPATH": str(own)})
    assert done.stdout == plain.stdout.replace("plain", "instrumented")
    assert done.stdout.startswith("own sitecustomize True\n")


def test_a_broken_sitecustomize_is_reported_as_without_us_and_we_start(tmp_path: Path) -> None:
    program(tmp_path, "raise RuntimeError('own fault')", "sitecustomize.py")
    words = [sys.executable, program(tmp_path)]
    plain = run(words, env={"PYTHONPATH": str(tmp_path)})
    done = run(words, env={"PYTHONPATH": f"{SITE}:{tmp_path}"})
    assert "RuntimeError: own fault" in plain.stderr
    assert done.stderr == plain.stderr
    assert done.stdout == INSTRUMENTED


def test_the_new_image_after_exec_is_instrumented_again(tmp_path: Path) -> None:
    told = program(tmp_path)
    text = f"import os, sys\nos.execv(sys.executable, [sys.executable, {str(told)!r}])\n"
    for way in ("command", "pth", "pythonpath"):
        argv, env = door(way, [sys.executable, program(tmp_path, text, f"{way}.py")])
        assert run(argv, env=env).stdout == INSTRUMENTED


def test_closed_standard_streams_and_a_bare_environment_do_no_harm(tmp_path: Path) -> None:
    file = program(tmp_path, TELL + f"open({str(tmp_path / 'said')!r}, 'w').write(repr(bool(started)))")
    shell = f'exec "{COMMAND}" "{sys.executable}" "{file}" <&- >&- 2>&-'
    subprocess.run(["/bin/sh", "-c", shell], env={"PATH": os.environ["PATH"]}, check=True, timeout=20)
    assert (tmp_path / "said").read_text() == "True"


SYSTEM = Path("/usr/bin/python3")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_nobody_without_a_home_may_start_from_files_that_only_root_can_write() -> None:
    version = subprocess.run(
        [SYSTEM, "-c", "import sys; print(sys.version_info >= (3, 10))"], capture_output=True, text=True, check=False
    )
    if version.stdout != "True\n":
        pytest.skip(f"no Python 3.10 at {SYSTEM}")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for package in ("platform_instrument", "platform_instrument_site"):
            shutil.copytree(SITE.parent / package, Path(folder) / package, ignore=shutil.ignore_patterns("__pycache__"))
        file = program(Path(folder))
        done = subprocess.run(
            [SYSTEM, file],
            user=65534,
            env={"PYTHONPATH": f"{folder}/platform_instrument_site", "HOME": "/nonexistent"},
            check=True,
            capture_output=True,
            text=True,
            timeout=20,
            cwd="/",
        )
    assert (done.stdout, done.stderr) == (INSTRUMENTED, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a namespace of mounts")
@pytest.mark.parametrize("way", ["command", "pth", "pythonpath"])
def test_a_read_only_file_system_is_no_obstacle(way: str, tmp_path: Path, collector: Collector) -> None:
    """Nothing can be written anywhere, bytecode and temporary files included."""
    text = "import os, sqlite3\ntry:\n os.mkdir('here')\nexcept OSError as error:\n print(error.strerror)\n"
    file = program(tmp_path, text + "print(sqlite3.connect(':memory:').execute('SELECT 1').fetchall())\n")
    frozen = (
        "mount --make-rprivate / && cut -d' ' -f2 /proc/mounts | grep -vE '^/(proc|sys)(/|$)'"
        ' | while read -r place; do mount -o remount,bind,ro "$place" 2>/dev/null; done; exec "$@"'
    )
    argv, env = door(way, [sys.executable, file])
    try:
        plain = run(["unshare", "--mount", "sh", "-c", frozen, "sh", sys.executable, file], cwd=tmp_path)
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if "Read-only file system" not in plain.stdout:
        pytest.skip("this machine allows no namespace of mounts")
    done = run(["unshare", "--mount", "sh", "-c", frozen, "sh", *argv], env=env, collector=collector, cwd=tmp_path)
    assert done == plain == Completed(0, "Read-only file system\n[(1,)]\n", "")
    assert len(collector.wait_for(1)) == 1


SUB_INTERPRETER = f'''
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
modern = sys.version_info >= (3, 13)
kinds = {{"isolated": {{}}, "shared": {{"config": "legacy"}} if modern else {{"isolated": False}}}}
number = interpreters.create(**kinds[sys.argv[1]])
interpreters.run_string(number, """
import logging, sqlite3, sys, time
logging.getLogger().warning("inside")
sqlite3.connect(":memory:").execute("SELECT 1")
time.sleep(0.1)
print([module for module in sys.modules if module == "platform_instrument.telemetry.pipeline"], flush=True)
""")
interpreters.destroy(number)
sys.argv[1:] = []
{TELL}
'''


@pytest.mark.parametrize("kind", ["isolated", "shared"])
def test_a_sub_interpreter_starts_delivers_and_ends(kind: str, tmp_path: Path, collector: Collector) -> None:
    if kind == "shared" and sys.version_info < (3, 12):
        pytest.skip("the private module of CPython 3.10 and 3.11 lets go of no interpreter that has a thread, anybody's")
    words = [sys.executable, "-W", "ignore", program(tmp_path, SUB_INTERPRETER), kind]
    plain = run(words)
    done = run([COMMAND, *words], collector=collector)
    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr) == (0, "inside\n")
    if kind == "isolated" and sys.version_info[:2] == (3, 12):  # which would abort the process
        assert done.stdout == f"[]\n{INSTRUMENTED}"
    else:
        assert done.stdout == f"['platform_instrument.telemetry.pipeline']\n{INSTRUMENTED}"
        assert [span.attributes["db.system.name"] for span in collector.wait_for(1)] == ["sqlite"]


def test_tools_that_inherit_the_variables_are_left_alone(tmp_path: Path) -> None:
    tool = program(tmp_path, name="pip")
    program(tmp_path, name="black.py")
    for way in ("pth", "pythonpath"):
        env = door(way, [])[1]
        assert run([sys.executable, tool], env=env).stdout == PLAIN
        assert run([sys.executable, "-c", TELL], env=env).stdout == PLAIN
        assert run([sys.executable, "-m", "black"], env={**env, "PYTHONPATH": f"{SITE}:{tmp_path}"}).stdout == PLAIN
        assert run([sys.executable, program(tmp_path, name="service.py")], env=env).stdout == INSTRUMENTED


def test_a_child_that_inherits_is_instrumented_and_a_helper_is_not(tmp_path: Path) -> None:
    told = program(tmp_path, name="child.py")
    text = f"""
import subprocess, sys
print(subprocess.run([sys.executable, {str(told)!r}], capture_output=True, text=True).stdout, end="")
print(subprocess.run([sys.executable, "-c", {TELL!r}], capture_output=True, text=True).stdout, end="")
"""
    assert started(sys.executable, program(tmp_path, text)).stdout == INSTRUMENTED + PLAIN


SPAWNED = """
import multiprocessing, sys

def tell(_):
    startup = sys.modules.get("platform_instrument.distro.startup")
    return bool(startup and startup.STARTED and not startup.STARTED.reason)

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(set(pool.map(tell, range(4))))
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_children_of_multiprocessing_are_instrumented(method: str, tmp_path: Path) -> None:
    assert started(sys.executable, program(tmp_path, SPAWNED), method).stdout == "{True}\n"


BAD = {
    "OTEL_TRACES_SAMPLER": "sometimes",
    "OTEL_BSP_MAX_QUEUE_SIZE": "many",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://nowhere",
    "PLATFORM_FLUSH_TIMEOUT": "soon",
}


def test_a_bad_value_is_one_line_and_the_program_runs(tmp_path: Path) -> None:
    done = run([COMMAND, sys.executable, program(tmp_path)], env=BAD)
    lines = done.stderr.splitlines()
    assert done.stdout == INSTRUMENTED
    assert len(lines) == len(BAD)
    for variable, value in BAD.items():
        (line,) = (line for line in lines if variable in line)
        assert line.startswith("platform-instrument: ")
        assert value in line


NONSENSE = ["\x01", "-1e999", "{[(*", "a=b=c;\\u0000", "\N{SNOWMAN}" * 50, "%zz,=,%", "9" * 400]
OUT = {"OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"}
SWITCHES = {"PLATFORM_INSTRUMENTATIONS", "PLATFORM_CONFIG_FILE", "OTEL_EXPORTER_OTLP_HEADERS"}


@pytest.mark.parametrize("nonsense", NONSENSE, ids=ascii)
def test_nonsense_in_every_variable_at_once_is_at_most_a_line_each_and_the_service_is_observed(
    nonsense: str, tmp_path: Path, collector: Collector
) -> None:
    """All but what says where to send, and whether; each library has a variable of its own beside the declared ones."""
    variables = {setting.variable for setting in Settings.declared.values()} - OUT - SWITCHES
    variables = {name for name in variables if not name.startswith(("OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_METRICS_"))}
    variables |= {"PLATFORM_INSTRUMENTATION_SQLITE3", "OTEL_PYTHON_FLASK_EXCLUDED_URLS"}
    text = "import sqlite3\nprint(sqlite3.connect(':memory:').execute('SELECT 1').fetchall())"
    words = [COMMAND, sys.executable, program(tmp_path, text)]
    done = run(words, env={**dict.fromkeys(variables, nonsense), **collector.environment()})
    assert (done.returncode, done.stdout) == (0, "[(1,)]\n")
    said = done.stderr.splitlines()
    assert all(line.startswith("platform-instrument: ") for line in said), done.stderr
    assert not [name for name in variables if sum(f" {name}=" in line or f" {name}:" in line for line in said) > 1]
    assert len(said) <= len(variables)
    assert "fault of ours" not in done.stderr
    assert len(collector.wait_for(1)) == 1


def test_a_folder_on_the_path_without_its_package_says_so_and_the_program_runs(tmp_path: Path) -> None:
    dangling = tmp_path / "somewhere" / "platform_instrument_site"
    dangling.mkdir(parents=True)
    (dangling / "sitecustomize.py").write_text((SITE / "sitecustomize.py").read_text())
    done = run([sys.executable, "-S", "-c", "import sitecustomize; print('runs')"], env={"PYTHONPATH": str(dangling)})
    assert (done.returncode, done.stdout) == (0, "runs\n")
    assert done.stderr == "platform-instrument: not started: No module named 'platform_instrument'\n"


def test_a_package_beside_the_folder_is_found_and_nothing_else_is_exposed(tmp_path: Path) -> None:
    text = "import sys\ntry:\n import pytest\nexcept ImportError:\n print('alone', 'platform_instrument._boot' in sys.modules)"
    venv = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=60)
    done = run([venv / "bin" / "python", program(tmp_path, text)], env={"PYTHONPATH": str(SITE)})
    assert (done.stdout, done.stderr) == ("alone True\n", "")
