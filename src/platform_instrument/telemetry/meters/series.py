"""The metric behind an instrument of the application's: from whatever it is given to a number in the cell of its attributes.

Attributes are masked when a set is first seen: two sets that leave as one are one series. What was seen is remembered, so that
it is found by two lookups afterwards. Nothing here raises.
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.core.values import COUNTER, HISTOGRAM
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.metrics.registry import METRICS, Limits, Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Instrument
    from platform_instrument.telemetry.metrics.cells import Pairs
    from platform_instrument.telemetry.scope import InstrumentationScope

LARGEST = 1 << 63
"""What is less is taken as it is: as many whole numbers as OTLP can hold, and their sums are no infinity."""

_INFINITE = float("inf")

_MOST_ATTRIBUTES = 128
"""The settings for spans say nothing of metrics: what is cut here may be two series that become one."""

_LONGEST_KNOWN = 256
"""Characters of a value that is remembered as it was given."""


def recorded_by_us(name: str, counted_by_us: Callable[[], bool]) -> bool:
    """Say whether our own metric of that name has what an instrumentor, or a library by itself, counts as well."""
    own = METRICS.by_name.get(name)
    return own is not None and bool(own.series()) and counted_by_us()


class ApplicationMetric(Metric):
    """The metric of one instrument."""

    __slots__ = ("_bare", "_count", "_known", "gives_way", "least", "refused")

    def __init__(self, instrument: Instrument, scope: InstrumentationScope) -> None:
        super().__init__(instrument, scope)
        observed = instrument.observable
        self.least = 0 if instrument.kind in {COUNTER, HISTOGRAM} and not observed else -LARGEST
        """From here to `LARGEST` a number is taken as it is; where this is 0, none below it is taken at all."""
        self.refused = 0
        """Measurements that were no numbers, or none for this kind of instrument."""
        self.gives_way: Callable[[], bool] | None = None
        """Says whether ours counts the same."""
        self._bare: Any = None
        """The cell without attributes."""
        self._known: dict[tuple[type, ...], dict[tuple[tuple[Any, Any], ...], Any]] = {}
        """Cells by the types and then by the items of their attributes, as they were given: 1 and True are equal."""
        self._count = 0

    def find(self, attributes: Any) -> Any:  # noqa: ANN401 - whatever the application passes; a cell of the kind, or None
        """Return the series of what the application passes as attributes."""
        if type(attributes) is dict and attributes:
            alike = self._known.get(tuple(map(type, attributes.values())))
            cell = alike.get(tuple(attributes.items())) if alike is not None else None
            if cell is not None:
                return cell
        elif self._bare is not None and (attributes is None or type(attributes) is dict):
            return self._bare
        return guard("metric attributes", self._new, attributes)

    def _new(self, attributes: Any) -> Any:  # noqa: ANN401 - as above
        """Find the series of a set that is not remembered, and remember it where nothing can change it."""
        items = tuple(limits.pairs(attributes))
        pairs = _masked(items)
        cell = self.cell(pairs, (pairs, tuple([_kind(value) for _, value in pairs])))
        if not items:
            self._bare = cell
        elif len(items) <= _MOST_ATTRIBUTES and all(_is_small(value) for _, value in items):
            types = tuple([type(value) for _, value in items])
            if self._count >= 2 * Limits.cardinality:
                self.forget()
            self._count += 1
            self._known.setdefault(types, {})[items] = cell
        return cell

    def forget(self) -> None:
        """Forget which sets were seen; their cells stay."""
        self._bare, self._known, self._count = None, {}, 0

    def untouch(self) -> None:
        """Take every series for one that nothing was said of, until something is."""
        for cell in list(self.cells.values()):
            cell.touched = False
        if self.overflow is not None:
            self.overflow.touched = False

    def number(self, value: Any) -> float | None:  # noqa: ANN401 - whatever the application passes
        """Return a value as a number that can be counted; None where it is none, which is counted and said."""
        number = guard("metric value", _number, value)
        if number is not None and (number >= 0 or self.least < 0):
            return number
        self.refused += 1
        if self.refused == 1:
            say(f"{self.instrument.name} was given {_said(value, number)}; measurements of that sort are left out")
        return None

    def series(self) -> list[Any]:
        """Return the cells that something was recorded in; none where ours counts the same under the same name."""
        return [] if self.gives_way is not None and self.gives_way() else super().series()


def _masked(items: tuple[tuple[Any, Any], ...]) -> Pairs:
    """Return attributes as they leave, in the order of their names."""
    if not items:
        return ()
    from platform_instrument.privacy.text import mask_attribute, mask_name  # takes 40 ms, which few programs need at start

    kept, _ = limits.bounded(dict(items), _MOST_ATTRIBUTES, limits.LONGEST)
    masked = {mask_name(key): mask_attribute(key, value) for key, value in kept.items()}
    return tuple([(key, tuple(value) if type(value) is list else value) for key, value in sorted(masked.items(), key=_name)])


def _name(item: tuple[str, Any]) -> str:
    return item[0]


def _is_small(value: Any) -> bool:  # noqa: ANN401 - an attribute value
    """Say whether a value takes little room, and can never change."""
    kind = type(value)
    return (
        len(value) <= _LONGEST_KNOWN if kind is str else kind is bool or kind is float or (kind is int and abs(value) < LARGEST)
    )


def _kind(value: Any) -> Any:  # noqa: ANN401 - an attribute value
    """Return the type of a value, of a sequence those of its items."""
    return tuple(map(type, value)) if type(value) is tuple else type(value)


def _number(value: Any) -> float | None:  # noqa: ANN401 - whatever the application passes
    """Return a number as an int that fits 64 bits, else as a float; None where it is none, or too large for one."""
    if type(value) is not float and hasattr(value, "__index__"):
        whole = index(value)
        if -LARGEST <= whole < LARGEST:
            return int(whole)
        return float(whole) if whole.bit_length() <= 1023 else None  # noqa: PLR2004 - bits of the largest exponent
    number = float(value) if hasattr(value, "__float__") else None
    return number if number is not None and -_INFINITE < number < _INFINITE else None


def _said(value: Any, number: float | None) -> str:  # noqa: ANN401 - as above
    """Say what is wrong with a value, without the value where it is no number."""
    if number is not None:
        return f"{number:g}, and takes nothing below zero (an up-down counter does)"
    return f"{value!r}" if type(value) is float else f"a {type(value).__name__}, which is no finite number"
