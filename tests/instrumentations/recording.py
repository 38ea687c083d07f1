"""What the tests of instrumentations share: the recorder with modules of ours applied, and a span to be below."""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import INTERNAL
from platform_instrument.engine import apply, imports
from platform_instrument.telemetry.context import CURRENT, Ambient, Local
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracer import start
from platform_instrument.testing import received, recorder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.telemetry.span import Span

TRACE_ID = 0x0AF7651916CD43DD8448EB211C80319C


class Recording(recorder.Recorder):
    """What was recorded, and how these tests ask for it."""

    @property
    def names(self) -> list[str]:
        """The names of all spans."""
        return [span.name for span in self.spans]

    def one(self) -> received.Span:
        """Return the only span, and forget it."""
        (span,) = self.take()
        return span

    def rows(self) -> list[tuple[str, int, float]]:
        """Return summary, count and sum of each series of returned rows."""
        found = [
            point
            for point in received.points(MetricEncoder({}).encode(METRICS))
            if point.name == "db.client.response.returned_rows"
        ]
        assert {point.unit for point in found} <= {"{row}"}
        return [(str(point.attributes.get("db.query.summary", "")), point.count, point.sum) for point in found]

    def counted(self, name: str = "db.client.operation.duration") -> list[tuple[dict[str, Any], int]]:
        """Return attributes and count of each series of a histogram that counted something."""
        return [(dict(attributes), count) for attributes, count in self.durations(name).items() if count]


@contextlib.contextmanager
def recording(*names: str, environ: Mapping[str, str] | None = None) -> Iterator[Recording]:
    """Apply our modules of these names, record, and take them back."""
    applied: list[apply.Applied] = []
    imports.install()
    with recorder.recording(environ) as running:
        try:
            for name in names:
                instrumentation = import_module(f"platform_instrument.instrumentations.{name}").INSTRUMENTATION
                for module in instrumentation.modules:
                    import_module(module)
                applied.append(apply.install(instrumentation))
            assert [each.status for each in applied] == ["patched"] * len(names), [each.reason for each in applied]
            yield Recording(running._kept)
        finally:
            for each in reversed(applied):
                apply.uninstall(each.name)


@contextlib.contextmanager
def inside(baggage: Mapping[str, str] | None = None, trace_state: str = "") -> Iterator[Span]:
    """Make a span current, as a request that is being served would, below a caller with baggage."""
    caller = Ambient(TRACE_ID, 7, 1, local=Local(baggage=baggage, trace_state=trace_state), remote=True)
    span = start("request", INTERNAL, None, None, own_scope("test"), caller, 0)
    before = CURRENT.get()
    CURRENT.set(span)
    try:
        yield span
    finally:
        CURRENT.set(before)


def ids(span: Span) -> tuple[str, str]:
    """Return trace id and span id as a collector is told them."""
    return f"{span.trace_id:032x}", f"{span.span_id:016x}"
