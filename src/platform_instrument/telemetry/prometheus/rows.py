"""The lines of a family's series. Most of a page is buckets: all of a series are written by one template."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from platform_instrument.telemetry.prometheus.counts import running
from platform_instrument.telemetry.prometheus.exemplars import written
from platform_instrument.telemetry.prometheus.exponentials import classic
from platform_instrument.telemetry.prometheus.numerals import numeral

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platform_instrument.telemetry.prometheus.snapshot import Row

    Bounds = tuple[float, ...] | None

_HERE = b"\0"
"""Stands for the name and the labels of a series in the template of its buckets."""


def counter_lines(name: str, _bounds: Bounds, rows: Sequence[Row], *, openmetrics: bool) -> list[bytes]:
    """Return the lines of a counter; what is negative or no number is left out, which no counter may be."""
    lines = []
    for labels, value, exemplar in rows:
        if value >= 0:
            said = written(exemplar) if openmetrics and exemplar else ""
            lines.append(f"{name}_total{_braces(labels)} {numeral(value)}{said}\n".encode())
    return lines


def gauge_lines(name: str, _bounds: Bounds, rows: Sequence[Row], *, openmetrics: bool) -> list[bytes]:  # noqa: ARG001 - as above
    """Return the lines of a gauge."""
    return [f"{name}{_braces(labels)} {numeral(value)}\n".encode() for labels, value, _ in rows]


def histogram_lines(name: str, bounds: Bounds, rows: Sequence[Row], *, openmetrics: bool) -> list[bytes]:
    """Return the lines of a histogram.

    Count and sum are left out together, as upstream does, where the sum may fall: with negative bounds. So they are where it is
    negative or no number, which OpenMetrics forbids.
    """
    if bounds is None:
        bounds, rows = classic(rows)
    template, heads = _template(bounds), _bucket_heads(bounds)
    monotonic = not bounds or bounds[0] >= 0
    lines = []
    for labels, counts, amount, exemplars in rows:
        here = f"{name}_bucket{{{labels}," if labels else f"{name}_bucket{{"
        so_far = running(counts)
        if openmetrics and exemplars:
            said = [written(exemplar) if exemplar else "" for exemplar in exemplars]
            buckets = [f"{head}{count}{one}\n" for head, count, one in zip(heads, so_far, said, strict=True)]
            lines.append(here.join(["", *buckets]).encode())
        else:
            lines.append((template % so_far).replace(_HERE, here.encode()))
        if monotonic and amount >= 0:
            braces = _braces(labels)
            lines.append(f"{name}_count{braces} {so_far[-1]}\n{name}_sum{braces} {numeral(amount)}\n".encode())
    return lines


@lru_cache(maxsize=256)
def _bucket_heads(bounds: tuple[float, ...]) -> tuple[str, ...]:
    """Return what stands between the labels of a series and the count, of each bucket."""
    return tuple([f'le="{numeral(float(bound))}"}} ' for bound in (*bounds, float("inf"))])


@lru_cache(maxsize=256)
def _template(bounds: tuple[float, ...]) -> bytes:
    return b"".join([_HERE + f"{head}%d\n".encode() for head in _bucket_heads(bounds)])


def _braces(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""
