"""Metrics to put on a page, and pages read by the parsers of `prometheus_client`."""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any, NamedTuple

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from platform_instrument.core.values import HISTOGRAM, Instrument
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.metrics.registry import Metric, Metrics
from platform_instrument.telemetry.prometheus.page import page
from platform_instrument.telemetry.prometheus.snapshot import snapshot
from platform_instrument.telemetry.scope import InstrumentationScope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client.samples import Exemplar

    from platform_instrument.telemetry.prometheus.snapshot import Snapshot

TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
INSIDE = Ambient(TRACE, SPAN, 1)
SCOPE = InstrumentationScope("shop.orders", "1.2")
SCOPE_LABELS = {"otel_scope_name": "shop.orders", "otel_scope_version": "1.2"}
BOUNDS = (0.1, 1.0, 10.0)


class Read(NamedTuple):
    """A family as a parser read it: samples by name and labels."""

    kind: str
    unit: str
    help: str
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]
    exemplars: dict[tuple[str, frozenset[tuple[str, str]]], Exemplar]


def metric(metrics: Metrics, kind: int, name: str = "x", **options: Any) -> Metric:
    """Make a metric of an application's meter; `scope` and whatever an `Instrument` has."""
    options = {"unit": "", "description": f"What {name} is.", "bounds": BOUNDS if kind == HISTOGRAM else ()} | options
    made = Metric(Instrument(name, options.pop("description"), kind=kind, **{k: v for k, v in options.items() if k != "scope"}),
                  options.get("scope", SCOPE))  # fmt: skip
    metrics.foreign.append(made)
    return made


def taken(metrics: Metrics) -> Snapshot:
    """Return a snapshot as another process reads it."""
    found = snapshot(metrics)
    assert found is not None
    read: Snapshot = marshal.loads(marshal.dumps(found, 4))  # noqa: S302 - our own
    return read


def read(written: bytes, *, openmetrics: bool) -> dict[str, Read]:
    """Read a page: families by name; a label without a value is none."""
    parse: Any = parse_openmetrics if openmetrics else parse_text
    families: dict[str, Read] = {}
    for family in parse(written.decode()):
        assert family.name not in families, f"{family.name} comes twice"
        samples = {key(sample.name, sample.labels): sample.value for sample in family.samples}
        assert len(samples) == len(family.samples), f"a sample of {family.name} comes twice"
        exemplars = {key(sample.name, sample.labels): sample.exemplar for sample in family.samples if sample.exemplar}
        families[family.name] = Read(family.type, family.unit, family.documentation, samples, exemplars)
    return families


def key(name: str, labels: Mapping[str, str]) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return what a sample is found by."""
    return (name, frozenset((label, value) for label, value in labels.items() if value))


def scraped(source: Metrics | Snapshot, *, openmetrics: bool = True, **options: Any) -> dict[str, Read]:
    """Write and read a page."""
    state = taken(source) if isinstance(source, Metrics) else source
    return read(page(state, openmetrics=openmetrics, **{"resource": {}, **options}), openmetrics=openmetrics)


def samples(families: dict[str, Read], name: str) -> dict[frozenset[tuple[str, str]], float]:
    """Return the values of all samples of one name by their labels, without those of the scope."""
    scope = frozenset(SCOPE_LABELS.items())
    return {
        labels - scope: value for each in families.values() for (named, labels), value in each.samples.items() if named == name
    }


def value(families: dict[str, Read], name: str, **labels: str) -> float:
    """Return the value of one sample."""
    return samples(families, name)[frozenset(labels.items())]
