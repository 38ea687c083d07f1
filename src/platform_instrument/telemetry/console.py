"""The console exporter: traces as readable trees and histograms as lines on standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from platform_instrument.privacy.text import mask_attribute
from platform_instrument.telemetry.tree import line, render_trace

if TYPE_CHECKING:
    from platform_instrument.telemetry.cells import Histograms
    from platform_instrument.telemetry.span import Span


def print_traces(spans: list[Span], service: str) -> None:
    """Print a batch as one tree a trace."""
    by_trace: dict[int, list[Span]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    for trace in by_trace.values():
        _write(render_trace([line(span, service) for span in trace]))


def print_histograms(histograms: Histograms) -> None:
    """Print each series: name, attributes, count, mean."""
    for name, histogram in list(histograms.by_name.items()):
        for cell in histogram.series():
            count = sum(cell.counts)
            if count:
                attributes = " ".join(f"{key}={mask_attribute(key, value)}" for key, value in cell.attributes)
                _write(f"{name} {attributes} count={count} mean={cell.sum / count * 1e3:.3f} ms")


def _write(text: str) -> None:
    if sys.stdout is not None:
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()
