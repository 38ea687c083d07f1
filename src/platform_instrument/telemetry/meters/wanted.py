"""What an application asks for when it asks for an instrument, made sound: what cannot be had is said.

Source: https://opentelemetry.io/docs/specs/otel/metrics/api/#instrument-name-syntax, #instrument-unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from platform_instrument.core.report import say
from platform_instrument.core.values import COUNTER, GAUGE, HISTOGRAM, UP_DOWN_COUNTER, Instrument
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.meters import instruments

DEFAULT_BOUNDS = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1_000.0, 2_500.0, 5_000.0, 7_500.0, 10_000.0)
"""Source: https://opentelemetry.io/docs/specs/otel/metrics/sdk/#explicit-bucket-histogram-aggregation."""

_NAME = re.compile(r"[a-zA-Z][-_./a-zA-Z0-9]{0,254}")
_UNIT = re.compile(r"[\x00-\x7f]{0,63}")
_INFINITE = float("inf")

_KINDS: dict[type, int] = {
    instruments.Counter: COUNTER,
    instruments.UpDownCounter: UP_DOWN_COUNTER,
    instruments.Histogram: HISTOGRAM,
    instruments.Gauge: GAUGE,
    instruments.ObservableCounter: COUNTER,
    instruments.ObservableUpDownCounter: UP_DOWN_COUNTER,
    instruments.ObservableGauge: GAUGE,
}


class Wanted(NamedTuple):
    """An instrument that is asked for: its class, and what may differ when it is asked for again."""

    kind: Any
    name: str
    unit: str
    description: str
    callbacks: tuple[Any, ...]
    advisory: tuple[float, ...] | None

    @property
    def key(self) -> tuple[type, str, str]:
        """Return what an instrument is known by in its meter: names are the same in any case, and exported in lower case."""
        return (self.kind, self.name.lower(), self.unit)

    def instrument(self) -> Instrument:
        """Return what is declared; of gauges of several processes, which cannot be added, one page shows the largest."""
        return Instrument(
            self.name.lower(),
            self.description,
            unit=self.unit,
            kind=_KINDS[self.kind],
            bounds=DEFAULT_BOUNDS if self.advisory is None else self.advisory,
            merged="max",
            observable=issubclass(self.kind, instruments.OBSERVABLES),
        )

    def differences(self, known: Wanted) -> str:
        """Name what was asked for otherwise before."""
        pairs = zip(self._fields[3:], self[3:], known[3:], strict=True)
        return " and ".join([field for field, mine, theirs in pairs if mine != theirs and mine])


def wanted(given: dict[str, Any], kind: type) -> Wanted | None:
    """Return what is asked for by the arguments of a method of the API; None where it has no name that can be exported."""
    name, unit, description = (limits.name(given.get(each)) for each in ("name", "unit", "description"))
    if not _NAME.fullmatch(name):
        say(
            f"{name[:100]!r} is no name for a metric, so it is not counted; a name begins with a letter and has at most "
            "255 letters, digits and _ . - /",
            place=f"metric {name[:100]}",
        )
        return None
    if not _UNIT.fullmatch(unit):
        say(f"{unit[:100]!r} is no unit for {name}, which goes without: a unit has at most 63 characters of ASCII", place=name)
        unit = ""
    callbacks = given.get("callbacks")
    asked = tuple(callbacks) if isinstance(callbacks, Iterable) else ()
    return Wanted(kind, name, unit, description, asked, _bounds(name, given.get("advisory")))


def _bounds(name: str, advisory: Any) -> tuple[float, ...] | None:  # noqa: ANN401 - whatever the application passes
    """Return the bounds that are asked for; None where none are, or none that buckets can have, which is said."""
    if advisory is None:
        return None
    if isinstance(advisory, Sequence) and all(isinstance(bound, (int, float)) for bound in advisory):
        bounds = [float(bound) for bound in advisory]
        if bounds and bounds[-1] == _INFINITE:
            bounds.pop()  # there is always one more bucket
        if all(low < high for low, high in zip([-_INFINITE, *bounds], [*bounds, _INFINITE], strict=True)):
            return tuple(bounds)
    say(
        f"explicit_bucket_boundaries_advisory of {name} has to be a list of rising numbers; the usual bounds are taken",
        place=name,
    )
    return None
