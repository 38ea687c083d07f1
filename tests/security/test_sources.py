"""What the package never does with what it reads: no shell, nothing evaluated, nothing unpickled; the exceptions are listed here."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.test_project import PACKAGE, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLACES = (PACKAGE, ROOT / "src" / "platform_instrument_site", ROOT / "sitecustomize_templates")

CALLS = frozenset(
    ("eval", "exec", "compile", "__import__", "breakpoint", "input", "os.system", "os.popen", "os.posix_spawn", "os.posix_spawnp", "pty.spawn",
     "code.interact", "runpy.run_path", "runpy.run_module", "ctypes.CDLL", "CDLL", "tempfile.mktemp", "yaml.load", "yaml.unsafe_load",
     "yaml.full_load", "yaml.load_all", "ssl._create_unverified_context", "ssl.SSLContext", "ssl.wrap_socket", "logging.config.listen")
)  # fmt: skip
MODULES = (
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "shelve",
    "marshal",
    "copyreg",
    "subprocess",
    "telnetlib",
    "ftplib",
    "xml",
    "ctypes",
)
NAMES = frozenset(("CERT_NONE", "check_hostname", "verify_mode", "shell"))

REVIEWED = {
    ("config/file.py", "yaml.load"): "its loader is a SafeLoader, without merge keys; the file is short",
    ("cli/doctor.py", "subprocess"): "our own interpreter, and the command that the user has typed; a list of words, no shell",
    ("cli/doctor.py", "__import__"): "in the text of a program of ours: names of our own index",
    ("testing/contract.py", "subprocess"): "our own interpreter, by whoever tests",
    ("testing/contract.py", "__import__"): "in the text of a program of ours: the name that the test gives",
    ("testing/collector.py", "ssl.SSLContext"): "the server's side of the collector of tests",
    ("testing/collector.py", "verify_mode"): "the collector of tests demands certificates of clients by it",
    ("platform_instrument.pth", "exec"): "a text of its own line: `site` runs one line",
    ("runtime/leaving.py", "exec"): "a text of its own, for the traceback that comes of it",
    ("runtime/dying.py", "CDLL"): "the C library's `signal`, with numbers of ours",
    ("runtime/dying.py", "ctypes"): "the same",
    (
        "telemetry/prometheus/states.py",
        "marshal",
    ): "memory without a name that only processes of this service have open, and write plain values to",
}
"""By file and finding, why it is no danger."""


def sources() -> list[Path]:
    """Return every file that an installation brings."""
    return sorted(file for place in PLACES for file in place.rglob("*") if file.suffix in {".py", ".pth", ".start"})


def dotted(node: ast.expr) -> str:
    """Return a name with its dots, empty where it is none."""
    if isinstance(node, ast.Name):
        return node.id
    above = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{above}.{node.attr}" if isinstance(node, ast.Attribute) and above else ""


def found(tree: ast.AST) -> Iterator[str]:
    """Yield what a program does that has to be looked at; `re.compile` is no `compile`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in CALLS:
            yield dotted(node.func)
        if isinstance(node, ast.keyword) and node.arg in NAMES:
            yield str(node.arg)
        if isinstance(node, (ast.Attribute, ast.Name)):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            if name in NAMES and (isinstance(node, ast.Attribute) or name == "CERT_NONE"):
                yield name
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            yield from (name.partition(".")[0] for name in names if name.partition(".")[0] in MODULES)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value in MODULES:
                yield node.value  # an argument of `import_module`
            yield from (name for name in ("__import__(", "eval(", "exec(") if name in node.value)


def findings() -> set[tuple[str, str]]:
    """Return every finding by its file."""
    seen = set()
    for file in sources():
        place = str(file.relative_to(PACKAGE)) if file.is_relative_to(PACKAGE) else file.name
        tree = ast.parse(file.read_text() if file.suffix != ".start" else "")
        seen |= {(place, what.rstrip("(")) for what in found(tree)}
    return seen


def test_no_shell_no_pickle_and_no_evaluation_but_what_was_reviewed() -> None:
    assert len(sources()) > 300
    assert findings() == REVIEWED.keys()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("eval(text)", "eval"),
        ("import os\nos.system('true')", "os.system"),
        ("run(words, shell=True)", "shell"),
        ("from pickle import loads", "pickle"),
        ("import_module('pickle')", "pickle"),
        ("import xml.sax", "xml"),
        ("yaml.load(text, Loader)", "yaml.load"),
        ("context.check_hostname = False", "check_hostname"),
        ("context.verify_mode = ssl.CERT_NONE", "CERT_NONE"),
        ("exec('a = 1')", "exec"),
    ],
)
def test_what_is_looked_for_is_found(text: str, what: str) -> None:
    assert what in set(found(ast.parse(text)))


def test_what_is_harmless_is_not() -> None:
    assert list(found(ast.parse("import re\nre.compile('a')\ncompiled = pattern.compile()\nthis.evaluate()\n"))) == []
