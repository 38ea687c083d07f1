"""What was compared and what differs on purpose, as `docs/parity.md`, which `make generate` writes."""

from __future__ import annotations

from tests.parity.comparing import MISSING
from tests.parity.deliberate import DELIBERATE, SPANS, Deliberate
from tests.parity.table import SCENARIOS

_HEAD = """# Beside upstream's instrumentors

Generated from `tests/parity/` by `make generate`.

Whoever comes from `opentelemetry-python-contrib` finds the spans and metrics that its instrumentors record, with what they say in
the names of the stable conventions (`OTEL_SEMCONV_STABILITY_OPT_IN=http,database`). Tests hold that: programs are run against real
servers, once under upstream's instrumentors and once under ours with the default settings, and what the two recorded is compared
span by span and series by series: name, kind, status, events, unit, and every attribute that upstream's has. Ours may say more.

Compared are {scenarios}.

Whatever is not in this table is recorded, and is the same. How old names of metrics live on: [migration](migration.md).

| of | what | | upstream's; ours, or why there is none |
|---|---|---|---|
"""
_CALLED = {
    "name": "name",
    "status": "status",
    "spans": "spans",
    "metric": "metric",
    "unit": "unit",
    "kind": "kind",
    "*": "attributes",
}


def page() -> str:
    """Return the page."""
    names = ", ".join(f"`{name}`" for name in SCENARIOS)
    return _HEAD.format(scenarios=names) + "".join(map(_row, DELIBERATE))


def _row(each: Deliberate) -> str:
    of = ", ".join(f"`{name}`" for name in SCENARIOS if each.is_of(name))
    metrics = [f"`{subject}`" for subject in each.subject.split() if subject != SPANS]
    what = ", ".join(_CALLED.get(what) or f"`{what}`" for what in each.what.split())
    where = f" of {', '.join(metrics)}" if metrics and SPANS not in each.subject.split() else ""
    how = "not there" if each.how == MISSING else "otherwise"
    return f"| {of} | {what}{where} | {how} | {each.reason} |\n"
