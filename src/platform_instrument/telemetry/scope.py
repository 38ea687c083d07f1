"""Who made a span: the OpenTelemetry instrumentation scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping


class InstrumentationScope:
    """Name, version, schema and attributes of what instruments; `encoded` is its OTLP form, written on first use."""

    __slots__ = ("attributes", "encoded", "name", "schema_url", "version")

    def __init__(self, name: str, version: str = "", schema_url: str = "", attributes: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.version = version
        self.schema_url = schema_url
        self.attributes = attributes or {}
        self.encoded: bytes | None = None


def own_scope(library: str) -> InstrumentationScope:
    """Return the scope of our own instrumentation of a library."""
    return InstrumentationScope(f"platform_instrument.{library}", __version__)
