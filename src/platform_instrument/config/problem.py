"""What is wrong with a setting, in one line that names the variable, the value, what is used and how to mend it.

Loaded when there is a problem, and by whoever shows settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from platform_instrument.config.catalogue import UNSET, general
from platform_instrument.config.kinds import ENDPOINT
from platform_instrument.config.schema import Settings

if TYPE_CHECKING:
    from platform_instrument.config.setting import Setting

MASK = "***"
_LONGEST = 100


class ConfigProblem:
    """One problem; `value` is fit to be shown: secrets are masked, and it is empty where there is none to show.

    `used` is the value in force instead, empty where there is none: then what was given is ignored.
    """

    __slots__ = ("problem", "remedy", "used", "value", "variable")

    def __init__(self, variable: str, value: str, problem: str, *, used: str, remedy: str) -> None:
        self.variable = _named(variable)
        self.value = value
        self.problem = problem
        self.used = used
        self.remedy = remedy

    def __str__(self) -> str:
        value = f"={self.value}" if self.value else ""
        used = f"{self.used} is used" if self.used else "it is ignored"
        return f"{self.variable}{value} {self.problem}; {used}; {self.remedy}"

    def __repr__(self) -> str:
        return f"ConfigProblem({str(self)!r})"


def does_not_fit(settings: Settings, setting: Setting, text: str, source: str) -> ConfigProblem:
    """Return the problem of a value that is not of the setting's kind; `settings` are those in force."""
    kind = setting.kind
    from difflib import get_close_matches  # heavy, and only for a value that does not fit

    close = get_close_matches(text.lower()[:_LONGEST], kind.choices, n=1)
    return ConfigProblem(
        setting.variable,
        MASK if kind.secret else quoted(text),
        f"{'in the file ' if source == 'file' else ''}is not {kind.what}",
        used=in_force(settings, setting),
        remedy=f"did you mean {close[0]}?" if close else kind.remedy,
    )


def larger_than_queue(setting: Setting, batch: int, most: int) -> ConfigProblem:
    """Return the problem of a batch that its queue can never hold."""
    queue = setting.variable.replace("EXPORT_BATCH", "QUEUE")
    return ConfigProblem(
        setting.variable, f"'{batch}'", f"is more than {queue}", used=str(most), remedy=f"lower it, or raise {queue}"
    )


def in_force(settings: Settings, setting: Setting) -> str:
    """Return the value that holds, as it would be written, or what holds where there is none; empty where nothing does."""
    value = shown(setting, setting.get(settings))
    if value:
        return value
    variable, signal = general(setting.variable)
    if signal:
        return in_force(settings, Settings.declared[variable.partition("_")[2].lower()])
    return UNSET.get(variable, "")


def quoted(text: str) -> str:
    """Return a value in quotes, bounded, printable, without a password that stands in a URL."""
    masked = without_credentials(text) if "://" in text or "@" in text else text
    return ascii(masked if len(masked) <= _LONGEST else masked[:_LONGEST] + "…")


def without_credentials(text: str) -> str:
    """Return a URL, right or wrong, with its user information and the values of its query masked.

    What stands before the last `@` goes, wherever it is: a password that was not encoded may hold any sign.
    """
    scheme, given, rest = text.partition("://")
    if not given:
        scheme, rest = "", text
    _, at, place = rest.rpartition("@")
    place, question, _ = place.partition("?")
    return f"{scheme}{given}{MASK if at else ''}{at}{place}{question}{MASK if question else ''}"


def shown(setting: Setting, value: object) -> str:
    """Return a value as it would be written in the environment, secrets masked; empty when it is unset."""
    if value is None or value in ((), {}):
        return ""
    if setting.kind.secret:
        return MASK
    text = written(value, setting.kind.unit)
    return without_credentials(text) if setting.kind is ENDPOINT else text


def written(value: object, unit: str = "") -> str:
    """Return a value as it would be written in the environment."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value * 1000:.0f}" if unit == "ms" else f"{value * 100:g}%" if unit == "%" else f"{value:g}"
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in value.items())
    return str(value)


def _named(variable: str) -> str:
    """Return a name as it can be printed: that of an unknown variable may hold anything."""
    name = variable if variable.isprintable() and variable.isascii() else ascii(variable)[1:-1]
    return name if len(name) <= _LONGEST else name[:_LONGEST] + "…"
