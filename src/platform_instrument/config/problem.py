"""What is wrong with a setting, in one line that names the variable, the value, what is used and how to mend it.

Loaded when there is a problem, and by whoever shows settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platform_instrument.config.schema import Setting

MASK = "***"
_LONGEST = 100


class ConfigProblem:
    """One problem; `value` is fit to be shown: secrets are masked, and it is empty where there is none to show.

    `used` is the value in force instead, empty where there is none: then what was given is ignored.
    """

    __slots__ = ("problem", "remedy", "used", "value", "variable")

    def __init__(self, variable: str, value: str, problem: str, *, used: str, remedy: str) -> None:
        self.variable = variable
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


def does_not_fit(setting: Setting, text: str, source: str, in_force: object) -> ConfigProblem:
    """Return the problem of a value that is not of the setting's kind; `in_force` is what holds instead."""
    kind = setting.kind
    close = get_close_matches(text.lower()[:_LONGEST], kind.choices, n=1)
    return ConfigProblem(
        setting.variable,
        MASK if kind.secret else quoted(text),
        f"{'in the file ' if source == 'file' else ''}is not {kind.what}",
        used=shown(setting, in_force) or "the default",
        remedy=f"did you mean {close[0]}?" if close else kind.remedy,
    )


def quoted(text: str) -> str:
    """Return a value in quotes, bounded, printable, without a password that stands in a URL."""
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return ascii(without_credentials(cut))


def without_credentials(text: str) -> str:
    """Return the text with the user information of a URL masked."""
    scheme, given, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    _, at, host = authority.rpartition("@")
    return f"{scheme}://{MASK}@{host}{slash}{path}" if given and at else text


def shown(setting: Setting, value: object) -> str:
    """Return a value as it would be written in the environment, secrets masked; empty when it is unset."""
    if value is None or value in ((), {}):
        return ""
    if setting.kind.secret:
        return MASK
    return written(value, setting.kind.unit)


def written(value: object, unit: str = "") -> str:
    """Return a value as it would be written in the environment."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value * 1000:.0f}" if unit == "ms" else f"{value:g}"
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in value.items())
    return without_credentials(str(value))
