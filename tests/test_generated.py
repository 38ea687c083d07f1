"""What is generated from the code is fresh, and says what the code says."""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platform_instrument.config.schema import Settings
from platform_instrument.distro.site_folder import rendered
from platform_instrument.engine.versions import doubt, name_of
from platform_instrument.instrumentations._index import TRIGGERS
from tests.processes import run
from tests.test_contract import ELSEWHERE

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """Return `docs/generate.py`."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_fresh(generator: ModuleType) -> None:
    stale = [path.name for path, text in generator.generated().items() if path.read_text() != text]
    assert stale == [], "run `make generate`"


def test_the_check_finds_a_stale_file(generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = tmp_path / "libraries.md"
    stale.write_text("old")
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "generated", lambda: {stale: "new"})
    monkeypatch.setattr("sys.argv", ["generate.py", "--check"])
    assert (generator.main(), stale.read_text()) == (1, "old")
    monkeypatch.setattr("sys.argv", ["generate.py"])
    assert (generator.main(), stale.read_text()) == (0, "new")


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    general = {
        setting.variable
        for setting in Settings.declared.values()
        if not re.search("OTLP_(TRACES|METRICS|LOGS)_", setting.variable)
    }
    assert [variable for variable in sorted(general) if f"`{variable}`" not in text] == []


def test_every_instrumentation_is_triggered_and_documented(generator: ModuleType) -> None:
    text = (ROOT / "docs" / "libraries.md").read_text()
    triggered = {name for entries in TRIGGERS.values() for name, _ in entries}
    declared = {instrumentation.name for _, instrumentation in generator.instrumentations()}
    assert declared == triggered
    assert {"httpx", "redis", "sqlalchemy", "uvicorn"} <= declared
    assert [name for name in sorted(declared) if f"| `{name}` |" not in text] == []


def test_triggers_are_top_level_modules() -> None:
    """A hook on a submodule that its parent imports fires while that is half initialised; the parents of these do not."""
    below = [trigger for trigger in TRIGGERS if "." in trigger]
    program = "import sys; __import__(sys.argv[1]); print(sys.argv[2] in sys.modules)"
    for trigger in below:
        parent = trigger.partition(".")[0]
        if importlib.util.find_spec(parent) is not None:
            done = run([sys.executable, "-c", program, parent, trigger])
            assert (trigger, done.stdout.strip()) == (trigger, "False")


def test_names_are_unique(generator: ModuleType) -> None:
    names = [instrumentation.name for _, instrumentation in generator.instrumentations()]
    assert len(names) == len(set(names))


def test_every_range_of_versions_has_two_ends_and_holds_what_is_tested_here(generator: ModuleType) -> None:
    for module, instrumentation in generator.instrumentations():
        assert re.fullmatch(r"[a-z0-9-]+>=\d+(\.\d+)*,<\d+(\.\d+)*", instrumentation.requires), module
        name = name_of(instrumentation.requires)
        if module in ELSEWHERE and importlib.util.find_spec(ELSEWHERE[module]) is None:
            continue
        here = "{}.{}".format(*sys.version_info) if name == "python" else version(name)
        assert doubt(here, instrumentation.requires) == "", module


def test_what_the_command_renders_is_what_the_template_says(generator: ModuleType) -> None:
    for packages in ((), ("/telemetry/packages", "/ü 'quoted'")):
        assert rendered(packages) == generator.sitecustomize(packages)
