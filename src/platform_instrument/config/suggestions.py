"""The setting that was meant by a variable that nobody knows.

Only a name close to one of ours is a problem: other programs have variables that begin with `PLATFORM_` too, and
OpenTelemetry has many that are for other languages, for collectors or for upstream's own packages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.config.problem import ConfigProblem
from platform_instrument.config.schema import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

_CLOSENESS = {"OTEL": 0.88, "PLATFORM": 0.65}
"""Smallest share of letters in common (`difflib`'s ratio): `OTEL_SERVICE_NAMESPACE` is 0.83 away from one of ours."""

_FOREIGN = (
    "OTEL_EXPERIMENTAL_",
    "OTEL_LOG_LEVEL",
    "OTEL_NODE_",
    "OTEL_POD_",
    "OTEL_PYTHON_CONFIGURATOR",
    "OTEL_PYTHON_DISTRO",
    "OTEL_RESOURCE_ATTRIBUTES_",
    "OTEL_SEMCONV_",
)
"""Names that are often set, by the Kubernetes operator above all: comparing them would cost each start 13 ms."""


def misspelt(names: Iterable[str]) -> list[ConfigProblem]:
    """Return a problem for each unknown name that is close to one of ours; the rest is somebody else's."""
    problems = []
    for name in names:
        meant = None if name.startswith(_FOREIGN) else closest(name)
        if meant is not None:
            problems.append(unknown(name, "", meant))
    return problems


def closest(name: str) -> str | None:
    """Return the variable whose name, but for its prefix, is closest to this one, None where none is close."""
    from difflib import get_close_matches

    prefix, _, rest = name.partition("_")
    variables = {setting.attribute: setting.variable for setting in Settings.declared}
    matches = get_close_matches(rest[:100].lower(), variables, n=1, cutoff=_CLOSENESS.get(prefix, 0.6))
    return variables[matches[0]] if matches else None


def unknown(name: str, where: str, meant: str | None) -> ConfigProblem:
    """Return the problem of an unknown name; its value is not shown, since nobody knows what it is."""
    remedy = f"did you mean {meant}?" if meant else "see `platform-instrument config` for the names there are"
    return ConfigProblem(name, "", f"{where}is not a setting", used="", remedy=remedy)
