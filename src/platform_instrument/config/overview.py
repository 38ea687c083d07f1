"""Every setting as people read it: its variable, its value with secrets masked, where that came from, what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.config.catalogue import LIBRARY_SETTINGS, SECTIONS, UNSET
from platform_instrument.config.otlp import otlp_settings
from platform_instrument.config.problem import shown
from platform_instrument.config.schema import Settings, of_signals, setting_of
from platform_instrument.config.setting import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.config.problem import ConfigProblem
    from platform_instrument.config.setting import Setting

LIBRARIES = "Single libraries"


class Row:
    """One setting; `value` is as it would be written, empty where it is unset: then `otherwise` says what holds."""

    __slots__ = ("default", "otherwise", "promise", "section", "source", "unit", "value", "variable")

    def __init__(self, settings: Settings, setting: Setting, section: str, promise: str) -> None:
        self.section = section
        self.promise = promise
        self.variable = setting.variable
        self.value = shown(setting, setting.get(settings))
        self.default = shown(setting, setting.default)
        self.source = settings.source(setting.attribute)
        self.otherwise = "" if self.value else UNSET.get(setting.variable, "")
        self.unit = setting.kind.unit


def rows(settings: Settings) -> Iterator[Row]:
    """Return every setting by sections; one that is for a signal or a library alone only where it is set."""
    for section, promises in SECTIONS.items():
        for variable, promise in promises.items():
            general = Settings.declared[variable.partition("_")[2].lower()]
            for setting in (general, *(own for own in of_signals(general) if own.attribute in settings.sources)):
                yield Row(settings, setting, section, promise)
    switch, patterns = LIBRARY_SETTINGS.values()
    names = [(f"PLATFORM_INSTRUMENTATION_{name.upper()}", switch) for name in settings.instrumentation_switches]
    names += [(f"OTEL_PYTHON_{name.upper()}_EXCLUDED_URLS", patterns) for name in settings.excluded_urls_by_library]
    for variable, promise in sorted(names):
        single = setting_of(variable)
        if single is not None:
            yield Row(settings, single, LIBRARIES, promise)


def all_problems(settings: Settings, problems: list[ConfigProblem]) -> list[ConfigProblem]:
    """Return the problems of reading, and those of sending over OTLP with what was read; none of them twice."""
    found = {str(problem): problem for problem in problems}
    for signal in SIGNALS:
        if "otlp" in getattr(settings, f"{signal}_exporter"):
            found.update((str(problem), problem) for problem in otlp_settings(settings, signal)[1])
    return list(found.values())
