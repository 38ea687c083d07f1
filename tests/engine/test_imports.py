from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import runpy
import sys
import threading
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.core.guard import faults
from platform_instrument.engine import imports
from tests.processes import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def hooks(armed_finder: None) -> list[str]:  # noqa: ARG001 - what it arms
    """Return the names of those whose hook fired."""
    return []


@pytest.fixture
def armed(hooks: list[str]) -> Callable[[str], None]:
    def armed(name: str) -> None:
        imports.when_imported(name, lambda module: hooks.append(module.__name__))

    return armed


def test_a_hook_fires_once_the_module_has_run(write: Any, hooks: list[str]) -> None:
    write("whole.py", "first = 1\nlast = 2\n")
    imports.when_imported("whole", lambda module: hooks.append(f"{module.first}{module.last}"))
    assert imports.waiting() == ("whole",)
    import_again = [importlib.import_module("whole") for _ in range(3)]
    assert hooks == ["12"]
    assert len(set(map(id, import_again))) == 1
    assert imports.waiting() == ()


def test_a_module_that_is_imported_already_is_patched_at_once(write: Any, armed: Any, hooks: list[str]) -> None:
    write("early.py")
    importlib.import_module("early")
    armed("early")
    assert hooks == ["early"]


def test_a_module_sees_its_own_loader_before_while_and_after_it_runs(write: Any, armed: Any, hooks: list[str]) -> None:
    write("looking.py", "kinds = type(__loader__).__name__, type(__spec__.loader).__name__, __spec__.loader is __loader__\n")
    armed("looking")
    found = importlib.util.find_spec("looking")
    assert found is not None
    assert isinstance(found.loader, importlib.machinery.SourceFileLoader)
    assert found.loader.get_source("looking").startswith("kinds")  # type: ignore[union-attr]
    assert hooks == []
    assert "looking" not in sys.modules
    module = importlib.import_module("looking")
    assert module.kinds == ("SourceFileLoader", "SourceFileLoader", True)
    assert type(module.__loader__) is type(module.__spec__.loader) is importlib.machinery.SourceFileLoader
    assert type(module.__spec__) is importlib.machinery.ModuleSpec
    assert hooks == ["looking"]


@pytest.mark.faults
def test_a_hook_that_raises_is_a_fault_and_neither_the_importer_nor_the_next_hook_notices(
    write: Any, armed: Any, hooks: list[str]
) -> None:
    write("sound.py")
    imports.when_imported("sound", lambda _module: 1 / 0)
    armed("sound")
    assert importlib.import_module("sound").__name__ == "sound"
    assert hooks == ["sound"]
    assert [(fault.place, fault.count) for fault in faults()] == [("import hook of sound", 1)]


def test_a_module_that_fails_to_import_fires_nothing_until_it_succeeds(
    write: Any, armed: Any, hooks: list[str], monkeypatch: Any
) -> None:
    write("moody.py", "import os\nif 'MOODY' in os.environ: raise ZeroDivisionError('as the application wrote it')\n")
    armed("moody")
    monkeypatch.setenv("MOODY", "1")
    with pytest.raises(ZeroDivisionError) as raised:
        importlib.import_module("moody")
    assert hooks == []
    assert raised.traceback[-1].path.name == "moody.py"
    monkeypatch.delenv("MOODY")
    importlib.import_module("moody")
    assert hooks == ["moody"]


def test_a_reloaded_module_fires_again_because_its_functions_are_new(write: Any, armed: Any, hooks: list[str]) -> None:
    write("again.py", "def function(): ...\n")
    armed("again")
    module = importlib.import_module("again")
    before = module.function
    importlib.reload(module)
    assert module.function is not before
    assert hooks == ["again", "again"]


def test_a_module_that_was_thrown_out_and_imported_anew_fires_again(write: Any, armed: Any, hooks: list[str]) -> None:
    write("anew.py")
    armed("anew")
    importlib.import_module("anew")
    del sys.modules["anew"]
    importlib.import_module("anew")
    assert hooks == ["anew", "anew"]


def test_a_hook_armed_while_its_module_is_half_imported_waits_for_the_rest(write: Any, hooks: list[str]) -> None:
    write("half.py", "import arming\nlast = 'defined'\n")
    write(
        "arming.py",
        """
        from platform_instrument.engine import imports
        seen = []
        imports.when_imported("half", lambda module: seen.append(module.last))
        """,
    )
    half = importlib.import_module("half")
    assert sys.modules["arming"].seen == ["defined"]
    assert type(half.__spec__) is importlib.machinery.ModuleSpec
    assert hooks == []


def test_a_hook_armed_while_another_thread_imports_its_module_waits_for_the_rest(write: Any, hooks: list[str]) -> None:
    write("slow.py", "import slow_gate\nslow_gate.entered.set()\nslow_gate.go.wait(10)\nlast = 'defined'\n")
    write("slow_gate.py", "import threading\nentered, go = threading.Event(), threading.Event()\n")
    gate = importlib.import_module("slow_gate")
    importing = threading.Thread(target=importlib.import_module, args=("slow",))
    importing.start()
    assert gate.entered.wait(10)
    imports.when_imported("slow", lambda module: hooks.append(module.last))
    assert hooks == []
    gate.go.set()
    importing.join(10)
    assert hooks == ["defined"]


def test_a_package_its_submodules_and_a_namespace_package_fire_each(write: Any, armed: Any, hooks: list[str]) -> None:
    write("package/__init__.py", "from package import part\n")
    write("package/part.py")
    write("space/inner/__init__.py")
    for name in ("package.part", "package", "space", "space.inner", "space.absent"):
        armed(name)
    importlib.import_module("package")
    namespace = importlib.import_module("space.inner")
    assert hooks == ["package.part", "package", "space", "space.inner"]
    assert namespace.__name__ == "space.inner"
    assert list(sys.modules["space"].__path__)
    assert type(sys.modules["space"].__spec__) is importlib.machinery.ModuleSpec


def test_a_module_in_a_zip_file_fires(tmp_path: Path, armed: Any, hooks: list[str], monkeypatch: Any) -> None:
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        packed.writestr("zipped/__init__.py", "value = __loader__.get_data(__file__).decode()[:5]\n")
    monkeypatch.syspath_prepend(tmp_path / "packed.zip")
    armed("zipped")
    assert importlib.import_module("zipped").value == "value"
    assert hooks == ["zipped"]


def test_extension_and_builtin_modules_fire(armed: Any, hooks: list[str], monkeypatch: Any) -> None:
    for name in ("_csv", "xxsubtype", "_json"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        armed(name)
        importlib.import_module(name)
    assert hooks == ["_csv", "xxsubtype", "_json"]


def test_runpy_runs_a_module_that_is_waited_for(write: Any, armed: Any) -> None:
    write("program.py", "answer = __name__\n")
    armed("program")
    assert runpy.run_module("program", run_name="__main__")["answer"] == "__main__"
    write("application/__main__.py", "answer = 42\n")
    write("application/__init__.py")
    armed("application")
    assert runpy.run_module("application")["answer"] == 42


def test_a_lazy_module_stays_lazy(write: Any, armed: Any, hooks: list[str]) -> None:
    write("lazy.py", "value = 7\n")
    armed("lazy")
    spec = importlib.util.find_spec("lazy")
    assert spec is not None
    assert spec.loader is not None
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["lazy"] = module
    loader.exec_module(module)
    assert hooks == []
    assert module.value == 7
    assert hooks == ["lazy"]


def test_the_import_hooks_of_wrapt_and_ours_fire_both(write: Any, armed: Any, hooks: list[str]) -> None:
    import wrapt  # heavy, and only this test needs it

    write("shared.py")
    armed("shared")
    wrapt.when_imported("shared")(lambda module: hooks.append(f"wrapt {module.__name__}"))
    module = importlib.import_module("shared")
    assert sorted(hooks) == ["shared", "wrapt shared"]
    assert type(module.__spec__.loader) is importlib.machinery.SourceFileLoader


def test_installing_twice_is_once_and_uninstalling_leaves_no_trace(armed: Any) -> None:
    imports.install()
    assert sum(isinstance(finder, imports._Finder) for finder in sys.meta_path) == 1
    armed("never")
    imports.uninstall()
    assert not any(isinstance(finder, imports._Finder) for finder in sys.meta_path)
    assert imports.waiting() == ()


def test_a_module_is_patched_once_however_many_threads_import_it(write: Any, armed: Any, hooks: list[str]) -> None:
    names = [f"crowd_{number}" for number in range(14)]
    for name in names:
        write(f"{name}.py", "import time\ntime.sleep(0.001)\n")
        armed(name)
    start = threading.Barrier(14)

    def import_all(first: int) -> None:
        start.wait()
        for name in names[first:] + names[:first]:
            importlib.import_module(name)

    threads = [threading.Thread(target=import_all, args=(first,)) for first in range(14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(hooks) == sorted(names)


def test_every_known_library_imported_at_once_from_a_thread_each_is_patched(tmp_path: Path) -> None:
    program = tmp_path / "crowd.py"
    program.write_text(_CROWD)
    asked = dict.fromkeys(
        ("PLATFORM_PROBES", "PLATFORM_LOG_FLIGHT_RECORDER", "PLATFORM_LOG_SAMPLE", "PLATFORM_CACHE_METRICS"), "true"
    )
    done = run([sys.executable, program], env={"OTEL_LOGS_EXPORTER": "otlp", **asked}, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "patched\n"


_CROWD = """
import importlib, sys, threading
from platform_instrument.distro import startup
startup.start("command")
libraries = ["httpx", "redis", "sqlalchemy", "sqlite3", "fastapi", "flask", "starlette", "django", "uvicorn", "gunicorn",
             "requests", "wsgiref.simple_server", "logging", "psycopg"]
start, errors = threading.Barrier(len(libraries)), []
def work(name):
    start.wait()
    try:
        importlib.import_module(name)
    except BaseException as error:
        errors.append(error)
threads = [threading.Thread(target=work, args=(name,)) for name in libraries]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
from platform_instrument.core.guard import faults
from platform_instrument.engine.apply import APPLIED
from platform_instrument.instrumentations._index import TRIGGERS
wanted = {name for trigger in libraries for name, _ in TRIGGERS.get(trigger, ())}
lost = {name: APPLIED[name].reason if name in APPLIED else "never arrived" for name in wanted
        if name not in APPLIED or APPLIED[name].status not in ("patched", "waiting")}
print("patched" if not lost and not errors and not faults() else (lost, errors, faults()))
import os
sys.stdout.flush()
os._exit(0)
"""
