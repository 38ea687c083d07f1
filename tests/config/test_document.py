"""The settings on paper are the settings in code."""

from __future__ import annotations

from pathlib import Path

from platform_instrument.config.catalogue import PROMISED, SECTIONS, UNSET, general
from platform_instrument.config.document import render
from platform_instrument.config.schema import Settings, of_signals
from platform_instrument.config.setting import SIGNALS

ROOT = Path(__file__).parent.parent.parent


def test_the_catalogue_covers_exactly_the_schema() -> None:
    documented = [variable for promises in SECTIONS.values() for variable in promises]
    declared = list(Settings.declared.values())
    own = [single for setting in declared for single in of_signals(setting)]
    assert sorted(documented) == sorted({setting.variable for setting in declared} - {setting.variable for setting in own})
    assert len(own) == len(SIGNALS) * sum(setting.signals for setting in declared)
    assert {general(setting.variable) for setting in own} == {
        (s.variable, name) for s in declared if s.signals for name in SIGNALS
    }


def test_what_holds_instead_is_said_only_of_settings_without_a_default() -> None:
    without = {setting.variable for setting in Settings.declared.values() if setting.default is None}
    assert without >= set(UNSET)
    assert set(Settings.declared) >= {variable.partition("_")[2].lower() for variable in PROMISED}


def test_the_committed_page_is_fresh() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == render()


def test_the_example_file_on_the_page_is_right(tmp_path: Path) -> None:
    from platform_instrument.config.read import read

    (tmp_path / "a.yaml").write_text(render().partition("```yaml\n")[2].partition("```")[0])
    found, problems = read({"PLATFORM_CONFIG_FILE": str(tmp_path / "a.yaml")})
    assert problems == []
    assert found.traces_sampler_arg == 0.1
    assert found.instrumentation_switches == {"django": "off"}
