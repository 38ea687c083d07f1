"""Every metric of ours, found by its declaration in the code, and the table of them in `docs/metrics.md`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from docs.queries import metric_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

from platform_instrument.core.values import COUNTER, GAUGE, HISTOGRAM, UP_DOWN_COUNTER, Instrument

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "platform_instrument"
PLACES = ("semantics", "runtime", "web", "telemetry")

_KINDS = {COUNTER: "counter", UP_DOWN_COUNTER: "up-down counter", GAUGE: "gauge", HISTOGRAM: "histogram"}

_HEAD = """# Metrics

Generated from the code by `make generate`. Names, units and attributes are those of the semantic conventions, `platform.*` where
there is none. In Prometheus, names and units are written by its rules: the second column. Every histogram carries exemplars
that name a trace, over OTLP and in OpenMetrics; a pool's waits and uses below a millisecond, and the lag of loops, leave none.

How series are counted, merged and limited: [settings](settings.md#metrics), [decisions](adr/). Dashboards, alert rules and
recording rules made from the same declarations are in [dashboards](dashboards/); who comes from upstream's names finds
[rules that keep old dashboards alive](migration.md).

| metric | in Prometheus | kind, unit | attributes | what |
|---|---|---|---|---|
"""


def declared() -> dict[str, Instrument]:
    """Return every instrument by its name."""
    found = {}
    for place in PLACES:
        for file in sorted((PACKAGE / place).rglob("*.py")):
            if "Instrument(" in file.read_text():
                module = ".".join(("platform_instrument", *file.relative_to(PACKAGE).with_suffix("").parts))
                found.update({one.name: one for one in _held(vars(import_module(module)).values())})
    return dict(sorted(found.items()))


def _held(values: Iterable[object]) -> Iterator[Instrument]:
    """Yield the instruments among values, and in the tuples and dicts among them."""
    for value in tuple(values):
        if isinstance(value, Instrument):
            yield value
        elif isinstance(value, dict):
            yield from _held(value.values())
        elif isinstance(value, (list, tuple)):
            yield from _held(value)


def table() -> str:
    """Return `docs/metrics.md`."""
    lines = []
    for instrument in declared().values():
        keys = ", ".join([f"`{key}`" for key in (*instrument.constant, *instrument.varying)])
        suffix = "_bucket" if instrument.kind == HISTOGRAM else ""
        kind = f"{_KINDS[instrument.kind]}, `{instrument.unit}`"
        cells = (f"`{instrument.name}`", f"`{metric_name(instrument, suffix)}`", kind, keys, instrument.description)
        lines.append(f"| {' | '.join(cells)} |\n")
    return _HEAD + "".join(lines)
