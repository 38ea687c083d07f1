"""The settings, read: the environment over the file over the defaults, and every problem on the way. Never raises.

Start path: imports only what a bare interpreter already has; the file, problems and suggestions are loaded when met.
"""

from __future__ import annotations

from platform_instrument.config.schema import Settings, setting_of

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from platform_instrument.config.problem import ConfigProblem

PREFIXES = ("OTEL_", "PLATFORM_")


def read(environ: Mapping[str, str]) -> tuple[Settings, list[ConfigProblem]]:
    """Return the settings in force and what is wrong with those that were given.

    A value that is empty counts as not set; one that does not fit leaves what the layer below says.
    """
    settings = Settings()
    problems: list[ConfigProblem] = []
    path = environ.get("PLATFORM_CONFIG_FILE", "").strip()
    if path:
        from platform_instrument.config.file import entries, unknown_key

        written, problems = entries(path)
        problems += map(unknown_key, _lay(settings, written, "file", problems))
    given = [(name, value) for name, value in environ.items() if name.startswith(PREFIXES)]
    unknown = _lay(settings, given, "environment", problems)
    if unknown:
        from platform_instrument.config.suggestions import misspelt

        problems += misspelt(unknown)
    _inherit(settings)
    return settings, problems


def _lay(settings: Settings, given: Iterable[tuple[str, str]], source: str, problems: list[ConfigProblem]) -> list[str]:
    """Lay one source over the settings; return the names that no setting has."""
    unknown = []
    for name, value in given:
        text = value.strip()
        setting = setting_of(name)
        if setting is None:
            unknown.append(name)
        elif text:
            fit = setting.kind.parse(text)
            if fit is not None:
                setting.put(settings, fit)
                settings.sources[setting.attribute] = source
            else:
                from platform_instrument.config.problem import does_not_fit

                problems.append(does_not_fit(setting, text, source, setting.get(settings)))
    return unknown


def _inherit(settings: Settings) -> None:
    """Let a general limit hold where the particular one is not set."""
    for setting in Settings.declared:
        general = setting.general
        if general in settings.sources and setting.attribute not in settings.sources:
            setting.put(settings, getattr(settings, general))
            settings.sources[setting.attribute] = settings.sources[general]
