"""The texts of an OTLP JSON document that may hold what an application put there: traces, logs and metrics alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from platform_instrument.privacy.text import mask_attribute

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIELDS = {
    ("spans", "name"): "span.name",
    ("events", "name"): "event.name",
    ("logRecords", "eventName"): "event.name",
    ("status", "message"): "status.message",
}
"""Texts that are no attributes, by the field that holds their owner, and the key by which they are masked."""
_SYSTEMS = ("db.system.name", "db.system")


class _Node(NamedTuple):
    """A part of a document that is still to be looked at; `key` where it is the value of an attribute."""

    path: str
    field: str
    value: Any
    key: str = ""
    system: str = ""


def texts(document: object) -> Iterator[tuple[str, str, str, str]]:
    """Yield path, key, text and database system of every text that is masked by its key; any document will do."""
    waiting = [_Node("", "", document)]
    while waiting:
        node = waiting.pop()
        value = node.value
        if isinstance(value, list):
            system = _system(value) or node.system
            inner = [node._replace(path=f"{node.path}[{at}]", value=item, system=system) for at, item in enumerate(value)]
        elif not isinstance(value, dict):
            continue
        elif node.key:
            if isinstance(value.get("stringValue"), str):
                yield f"{node.path}.stringValue", node.key, value["stringValue"], node.system
            inner = list(_inside(node))
        elif isinstance(value.get("key"), str) and "value" in value:
            inner = [_Node(f"{node.path}.value", "", value["value"], value["key"], node.system)]
        else:
            inner = []
            for field, item in value.items():
                path = f"{node.path}.{field}" if node.path else str(field)
                if isinstance(item, str) and (node.field, field) in _FIELDS:
                    yield path, _FIELDS[node.field, field], item, ""
                inner.append(_Node(path, field, item, "body" if (node.field, field) == ("logRecords", "body") else ""))
        waiting += reversed(inner)


def _inside(node: _Node) -> Iterator[_Node]:
    """Yield the values in a list or a map, by the key of the attribute, or by their own where that hides nothing as such."""
    for field in ("arrayValue", "kvlistValue"):
        held = node.value.get(field)
        items = held.get("values") if isinstance(held, dict) else None
        for at, item in enumerate(items if isinstance(items, list) else ()):
            path, key, value = f"{node.path}.{field}.values[{at}]", node.key, item
            if field == "kvlistValue":
                if not isinstance(item, dict):
                    continue
                path, value = f"{path}.value", item.get("value")
                if isinstance(item.get("key"), str) and mask_attribute(key, "a") == "a":
                    key = item["key"]
            yield _Node(path, "", value, key, node.system)


def _system(attributes: list[Any]) -> str:
    """Return the database system that a list of attributes names."""
    for attribute in attributes:
        if isinstance(attribute, dict) and attribute.get("key") in _SYSTEMS:
            value = attribute.get("value")
            system = value.get("stringValue") if isinstance(value, dict) else None
            if isinstance(system, str):
                return system
    return ""
