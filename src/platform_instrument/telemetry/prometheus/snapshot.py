"""The state of this process's metrics as plain values, which `marshal` writes into memory that other processes read.

Nothing here is a class: a family is a tuple of name, type, unit, help, how gauges merge, bounds and rows. Names and labels are
made once; a further snapshot copies numbers only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from platform_instrument.core.guard import guard
from platform_instrument.core.values import COUNTER, GAUGE, HISTOGRAM
from platform_instrument.telemetry.door import mask_description
from platform_instrument.telemetry.metrics.exponential import ExponentialCell
from platform_instrument.telemetry.prometheus.counts import packed_counts
from platform_instrument.telemetry.prometheus.exemplars import packed, packed_all
from platform_instrument.telemetry.prometheus.labels import cell_labels
from platform_instrument.telemetry.prometheus.names import family_name
from platform_instrument.telemetry.prometheus.numerals import plain

if TYPE_CHECKING:
    from platform_instrument.telemetry.metrics.registry import Metric, Metrics

Row: TypeAlias = "tuple[Any, ...]"
"""One series. Of a histogram: labels, counts by bucket, sum, exemplars by bucket. Of others: labels, value, exemplar.

Counts and exemplars are bytes, see `counts` and `exemplars`; a histogram without exemplars has an empty tuple. An exponential
histogram has scale, offset, a list of counts, and zeros for its counts. A sum may be the tuple of its parts, see `numerals`.
"""

Family: TypeAlias = "tuple[str, str, str, str, str, tuple[float, ...] | None, list[Row]]"
"""Name, type, unit, help, `merged` (of gauges, else empty), bounds (None: exponential), rows."""

Snapshot: TypeAlias = "list[Family]"

_LONGEST_HELP = 1_000


def snapshot(metrics: Metrics, *, observed: bool = True) -> Snapshot | None:
    """Return every series that was ever recorded in this process; None where somebody else reads them for too long.

    Without `observed`, what is only known by asking is as it was asked last.
    """
    return metrics.collect(lambda: _families(metrics)) if observed else _families(metrics)


def _families(metrics: Metrics) -> Snapshot:
    found = [guard("snapshot of a metric", _family, metric) for metric in metrics.every()]
    return [family for family in found if family is not None]


def _family(metric: Metric) -> Family | None:
    cells = metric.series()
    if not cells:
        return None
    instrument = metric.instrument
    name, unit = family_name(instrument.name, instrument.unit, instrument.kind)
    kind, merged = "gauge", instrument.merged if instrument.kind == GAUGE else "sum"
    bounds: tuple[float, ...] | None = ()
    if instrument.kind == HISTOGRAM:
        kind, merged = "histogram", ""
        exponential = type(cells[0]) is ExponentialCell
        bounds = None if exponential else tuple(map(plain, cells[0].bounds))
        rows = [(_exponential if exponential else _histogram)(metric, cell) for cell in cells]
    elif instrument.kind == COUNTER:
        kind, merged = "counter", ""
        rows = [(cell.labels or cell_labels(metric, cell), plain(cell.value), packed(cell.exemplar)) for cell in cells]
    else:
        rows = [(cell.labels or cell_labels(metric, cell), plain(cell.value), b"") for cell in cells]
    return (name, kind, unit, mask_description(instrument.description)[:_LONGEST_HELP], merged, bounds, rows)


def _histogram(metric: Metric, cell: Any) -> Row:  # noqa: ANN401 - a histogram's cell
    return (cell.labels or cell_labels(metric, cell), packed_counts(cell.counts), plain(cell.sum), packed_all(cell.exemplars))


def _exponential(metric: Metric, cell: ExponentialCell) -> Row:
    reading = cell.read()
    counted = (reading.scale, reading.offset, reading.counts, reading.zeros)
    return (cell.labels or cell_labels(metric, cell), counted, plain(reading.sum), packed_all(cell.exemplars))
