"""The setting that was meant by a variable that nobody knows.

Only a name close to one of ours is a problem: other programs have variables that begin with `PLATFORM_` too, and
OpenTelemetry has many that are for other languages, for collectors or for upstream's own packages.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from platform_instrument.config.problem import ConfigProblem
from platform_instrument.config.schema import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOSENESS = {"OTEL": 0.88, "PLATFORM": 0.75}
"""Smallest share of letters in common (`difflib`'s ratio): `OTEL_SERVICE_NAMESPACE` is 0.83 away from one of ours."""

_MOST_COMPARED = 40
"""Each takes some tenths of a millisecond, and the service waits."""

_GUESSES = {
    "disabled": "OTEL_SDK_DISABLED",
    "enabled_instrumentations": "PLATFORM_INSTRUMENTATIONS",
    "endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "exporter_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "sampler": "OTEL_TRACES_SAMPLER",
    "sampler_arg": "OTEL_TRACES_SAMPLER_ARG",
}
"""Names, after their prefix, that people expect and whose letters lead elsewhere or nowhere."""


def misspelt(names: Sequence[str]) -> list[ConfigProblem]:
    """Return a problem for each unknown name that is close to one of ours; the rest is somebody else's."""
    problems = []
    for name in names[:_MOST_COMPARED]:
        meant = closest(name)
        if meant is not None:
            problems.append(unknown(name, "", meant))
    return problems


def closest(name: str) -> str | None:
    """Return the variable whose name, but for its prefix, is closest to this one, None where none is close."""
    prefix, _, rest = name.partition("_")
    rest = rest[:100].lower()
    if rest in _GUESSES:
        return _GUESSES[rest]
    matches = get_close_matches(rest, Settings.declared, n=1, cutoff=_CLOSENESS.get(prefix, 0.6))
    return Settings.declared[matches[0]].variable if matches else None


def unknown(name: str, where: str, meant: str | None) -> ConfigProblem:
    """Return the problem of an unknown name; its value is not shown, since nobody knows what it is."""
    remedy = f"did you mean {meant}?" if meant else "see `platform-instrument config` for the names there are"
    return ConfigProblem(name, "", f"{where}is not a setting", used="", remedy=remedy)
