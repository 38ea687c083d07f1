"""The page that Prometheus reads: text format 0.0.4 or OpenMetrics 1.0.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/,
https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md and OpenTelemetry's compatibility specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry.ports.complaints import complain
from platform_instrument.telemetry.prometheus.labels import rendered_labels
from platform_instrument.telemetry.prometheus.names import SUFFIXES
from platform_instrument.telemetry.prometheus.rows import counter_lines, gauge_lines, histogram_lines
from platform_instrument.telemetry.protobuf import utf8

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from platform_instrument.telemetry.prometheus.snapshot import Family, Snapshot

_TARGET = "target"
_LINES = {"counter": counter_lines, "gauge": gauge_lines, "histogram": histogram_lines}


def page(  # noqa: PLR0913 - what a page is made of
    snapshot: Snapshot,
    *,
    openmetrics: bool,
    resource: Mapping[str, Any],
    notes: Sequence[str] = (),
    names: Collection[str] = (),
    client_registry: bool = False,
) -> bytes:
    """Return the page of a snapshot; never raises for what applications measure.

    `resource` becomes `target_info`: what is true of one process alone is the caller's to leave out where there are several.
    `notes` are comments; OpenMetrics has none, there they end the help of `target_info`. With `names`, only families of these
    names, or with samples of these names, are on the page. `client_registry` adds what the application registered with
    `prometheus_client`.
    """
    taken: set[str] = set()
    parts = [] if openmetrics else [utf8(f"# platform-instrument: {' '.join(note.split())}\n") for note in notes]
    labels = guard("labels of the resource", rendered_labels, resource.items())
    if labels and _reserve(taken, _TARGET, "info") and _wanted(_TARGET, "info", names):
        text = "; ".join(["Target metadata", *(notes if openmetrics else ())])
        parts += [_head(_TARGET, "info", "", text, openmetrics=openmetrics), utf8(f"target_info{{{labels}}} 1\n")]
    for (name, kind), families in _by_name(snapshot).items():
        if not _reserve(taken, name, kind):
            complain(
                f"name {name} {kind}",
                f"another metric is called {name} in Prometheus already; the {kind} is left out: rename one",
            )
        elif _wanted(name, kind, names):
            parts += guard("page of a metric", _family, families, openmetrics=openmetrics) or ()
    if client_registry:
        from platform_instrument.telemetry.prometheus.client_registry import registered  # few ask for it

        parts.append(guard("metrics of prometheus_client", registered, taken, names, openmetrics=openmetrics) or b"")
    if openmetrics:
        parts.append(b"# EOF\n")
    return b"".join(parts)


def _by_name(snapshot: Snapshot) -> dict[tuple[str, str], list[Family]]:
    """Return families by name and type: those of several meters may be called the same."""
    found: dict[tuple[str, str], list[Family]] = {}
    for family in snapshot:
        found.setdefault((family[0], family[1]), []).append(family)
    return found


def _reserve(taken: set[str], name: str, kind: str) -> bool:
    """Take the names of a family and its samples; say whether none was taken."""
    own = {name, *[name + suffix for suffix in SUFFIXES[kind]]}
    free = taken.isdisjoint(own)
    if free:
        taken |= own
    return free


def _wanted(name: str, kind: str, names: Collection[str]) -> bool:
    return not names or name in names or any(name + suffix in names for suffix in SUFFIXES[kind])


def _family(families: list[Family], *, openmetrics: bool) -> list[bytes]:
    """Return what is written of all families of one name and type; of series that are equal, the first."""
    name, kind, unit, text, *_ = families[0]
    lines = [_head(name, kind, unit, text, openmetrics=openmetrics)]
    seen: set[str] = set()
    for family in families:
        rows = family[6]
        labels = {row[0] for row in rows}
        if len(labels) < len(rows) or not seen.isdisjoint(labels):
            rows = list({row[0]: row for row in reversed(rows) if row[0] not in seen}.values())[::-1]
            complain(
                f"series {name}",
                f"{name} has series that are equal in Prometheus; the first is shown: rename what they differ by",
            )
        seen |= labels
        lines += _LINES[kind](name, family[5], rows, openmetrics=openmetrics)
    return lines


def _head(name: str, kind: str, unit: str, text: str, *, openmetrics: bool) -> bytes:
    """Return the lines that describe a family; in the text format it is called like its sample, and has no unit."""
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    if openmetrics:
        text = text.replace('"', '\\"')
        said = f"# UNIT {name} {unit}\n" if unit else ""
        return utf8(f"# HELP {name} {text}\n# TYPE {name} {kind}\n{said}")
    if kind == "counter":
        name = f"{name}_total"
    elif kind == "info":
        name, kind = f"{name}_info", "gauge"
    return utf8(f"# HELP {name} {text}\n# TYPE {name} {kind}\n")
