"""What the application leaves to the interpreter's end happens then as without us: nothing of ours keeps its objects for longer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from platform_instrument.core.forks import around_fork
from tests.processes import door, run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

LAST = """
class Last:
    def __init__(self):
        self.itself = self

    def __del__(self):
        print("the last word", flush=True)

"""
HOLDERS = {
    "a module": "import sqlite3\nsqlite3.held = Last()",
    "a module, after a record": "import sqlite3\nsqlite3.connect(':memory:').execute('SELECT 1')\nsqlite3.held = Last()",
    "an adapter": "import sqlite3\nsqlite3.register_adapter(Last, lambda _, held=Last(): 1)",
    "a function in the place of one that we patch": "import sqlite3\ndef connect(*_, held=Last()): pass\n"
    "sqlite3.connect = sqlite3.dbapi2.connect = connect",
    "a row's class": "import sqlite3\nclass Row(sqlite3.Row): held = Last()\n"
    "sqlite3.row = connection = sqlite3.connect(':memory:')\nconnection.row_factory = Row",
    "a class that we patch": "import starlette.applications\nstarlette.applications.Starlette.held = Last()",
    "a client's class": "import httpx\nhttpx.Client.held = Last()",
    "a tracer provider": "import opentelemetry.trace as api\nclass Own(api.NoOpTracerProvider): held = Last()\n"
    "api.set_tracer_provider(Own())",
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_finalizer_that_runs_as_the_interpreter_ends_can_still_print(holder: str, tmp_path: Path, collector: Collector) -> None:
    file = tmp_path / "program.py"
    file.write_text(LAST + HOLDERS[holder])
    argv, env = door("command", [sys.executable, file])
    plain = run([sys.executable, file])
    if plain.stdout != "the last word\n":
        pytest.skip("this interpreter runs it too late without us, too")
    assert run(argv, env=env, collector=collector) == plain


def test_what_is_called_around_a_fork_belongs_to_a_module() -> None:
    with pytest.raises(ValueError, match="no module has it"):
        around_fork(child=lambda: None)
