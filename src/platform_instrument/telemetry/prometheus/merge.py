"""The metrics of several processes as those of one service: exact sums, and of exemplars the newest.

Counters and histograms of processes that have ended are kept, and everything else of them is not.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.metrics.registry import Limits
from platform_instrument.telemetry.ports.complaints import complain
from platform_instrument.telemetry.prometheus.counts import added
from platform_instrument.telemetry.prometheus.exponentials import joined
from platform_instrument.telemetry.prometheus.labels import INSTANCE, escaped
from platform_instrument.telemetry.prometheus.numerals import Sum, exact, total

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from platform_instrument.telemetry.prometheus.snapshot import Family, Row, Snapshot

_MOST_PROCESSES = 4
"""How many times the series of one process a page may have: workers of a service have nearly all of theirs in common."""

_POLICIES: dict[str, Callable[[Sequence[Any]], Sum]] = {"": total, "sum": total, "max": max, "min": min}
_KEPT: dict[str, Callable[[Sequence[Any]], Sum]] = {"": exact}


def merge(parts: Iterable[tuple[Snapshot, bool, str]], *, by_instance: bool) -> Snapshot:
    """Return what all processes measured; a part is a snapshot, whether its process lives, and its instance id.

    Series with equal labels are one, those of one process too. With `by_instance`, each process keeps series of its own, with its
    instance id as a label. Sums of fractions are rounded once: no total falls when a process ends. What exceeds four times
    `PLATFORM_METRICS_SERIES_LIMIT` is left out, and said.
    """
    merging = _Merging(_MOST_PROCESSES * Limits.series)
    for snapshot, alive, instance in parts:
        own = f'{INSTANCE}="{escaped(instance)}"' if by_instance and instance else ""
        for family in snapshot:
            if alive or not family[4]:
                merging.put(family, own)
    return merging.merged(_POLICIES)


def departed(parts: Iterable[tuple[Snapshot, bool, str]]) -> Snapshot:
    """Return what is kept of the processes that have ended, as one part; its sums are exact, to be added to again."""
    merging = _Merging(_MOST_PROCESSES * Limits.series)
    for snapshot, alive, _ in parts:
        for family in snapshot:
            if not alive and not family[4]:
                merging.put(family, "")
    return merging.merged(_KEPT)


class _Merging:
    """Families by what makes them equal, each with its series by their labels, each with its rows."""

    def __init__(self, most: int) -> None:
        self._families: dict[tuple[Any, ...], tuple[Family, dict[str, list[Row]]]] = {}
        self._room = most
        self.left_out = 0

    def put(self, family: Family, own: str) -> None:
        """Add a family of one process, whose series get its own label where it has one."""
        name, kind, unit, _, merged, bounds, rows = family
        known = self._families.setdefault((name, kind, unit, merged, bounds), (family, {}))[1]
        for row in rows:
            labels = f"{own},{row[0]}".rstrip(",") if own else row[0]
            there = known.get(labels)
            if there is not None:
                there.append(row)
            elif self._room:
                self._room -= 1
                known[labels] = [row]
            else:
                self.left_out += 1

    def merged(self, policies: dict[str, Callable[[Sequence[Any]], Sum]]) -> Snapshot:
        """Return everything that was put here; say what had no room."""
        if self.left_out:
            complain(
                "merge",
                f"all processes together have {self.left_out} series more than a page of Prometheus may, which are left out; use "
                f"attributes with fewer values, or raise PLATFORM_METRICS_SERIES_LIMIT: a page has {_MOST_PROCESSES} times that",
            )
        families: Snapshot = []
        for (name, kind, unit, text, merged, bounds, _), known in self._families.values():
            one = policies.get(merged, total)
            as_one = _number if kind != "histogram" else _exponential if bounds is None else _histogram
            rows = [as_one(labels, rows, one) for labels, rows in known.items()]
            families.append((name, kind, unit, text, merged, bounds, rows))
        return families


def _number(labels: str, rows: list[Row], one: Callable[[Sequence[Any]], Sum]) -> Row:
    return (labels, one([row[1] for row in rows]), max([row[2] for row in rows]))


def _histogram(labels: str, rows: list[Row], one: Callable[[Sequence[Any]], Sum]) -> Row:
    if len(rows) == 1:
        _, counts, amount, exemplars = rows[0]
        return (labels, counts, one((amount,)), exemplars)
    _, counts, sums, exemplars = zip(*rows, strict=True)
    return (labels, added(counts), one(sums), _newest(exemplars))


def _exponential(labels: str, rows: list[Row], one: Callable[[Sequence[Any]], Sum]) -> Row:
    _, counted, sums, exemplars = zip(*rows, strict=True)
    return (labels, reduce(joined, counted), one(sums), _newest(exemplars))


def _newest(exemplars: Sequence[Sequence[bytes]]) -> Sequence[bytes]:
    """Return the newest exemplar of each bucket: it is the largest."""
    if not any(exemplars):
        return ()
    some = [each for each in exemplars if each]
    return list(map(max, *some)) if len(some) > 1 else some[0]
