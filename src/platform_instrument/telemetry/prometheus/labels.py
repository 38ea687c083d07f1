"""Labels of a series, rendered once and kept on its cell: masked, escaped, with those of the scope that measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import HISTOGRAM
from platform_instrument.privacy.text import mask_attribute, mask_name
from platform_instrument.telemetry.prometheus.names import label_name
from platform_instrument.telemetry.protobuf import utf8
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platform_instrument.telemetry.metrics.registry import Metric
    from platform_instrument.telemetry.scope import InstrumentationScope

INSTANCE = "service_instance_id"
"""The label that tells processes apart, where each keeps series of its own."""

_OWN = own_scope("metrics")


def cell_labels(metric: Metric, cell: Any) -> str:  # noqa: ANN401 - a cell
    """Return the labels of a cell, without braces; kept in `cell.labels`, since they never change.

    What the page adds itself, an attribute may not be called: it is renamed as Prometheus renames such labels of a target.
    """
    reserved = {INSTANCE, "le"} if metric.instrument.kind == HISTOGRAM else {INSTANCE}
    rendered = rendered_labels([*_scope_pairs(metric.scope or _OWN), *cell.attributes], reserved)
    cell.labels = rendered
    return rendered


def _scope_pairs(scope: InstrumentationScope) -> list[tuple[str, Any]]:
    """Return what upstream's exporter says of a scope with each series; its attributes are masked by their own keys."""
    return [
        *((f"otel_scope_{key}", mask_attribute(key, value)) for key, value in scope.attributes.items()),
        ("otel_scope_name", scope.name),
        ("otel_scope_version", scope.version),
        ("otel_scope_schema_url", scope.schema_url),
    ]


def rendered_labels(attributes: Iterable[tuple[str, Any]], reserved: Iterable[str] = ()) -> str:
    """Return attributes as labels, without lone surrogates; those of one name are joined by `;`, in the order of their keys."""
    found: dict[str, list[tuple[str, str]]] = {}
    for key, value in attributes:
        text = _text(mask_attribute(key, value))
        if not text:
            continue  # a label without a value is none
        name = label_name(mask_name(key))
        found.setdefault(f"exported_{name}" if name in reserved else name, []).append((key, text))
    labels = [f'{name}="{escaped(";".join([text for _, text in sorted(texts)]))}"' for name, texts in sorted(found.items())]
    return utf8(",".join(labels)).decode()


def escaped(text: str) -> str:
    """Escape the value of a label."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    return text.replace("\n", "\\n").replace('"', '\\"')


def _text(value: Any) -> str:  # noqa: ANN401 - an attribute value
    """Return a value as text: what is none is written as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if type(value) is int:
        return repr(value)
    import json  # for truth values, fractions and lists, which few labels are

    return json.dumps(value, ensure_ascii=False, default=str)
