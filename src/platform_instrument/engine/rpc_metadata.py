"""What travels in the metadata of a gRPC call: trace context, baggage and the id of the request, whose names are in lower case.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Custom-Metadata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry import propagation
from platform_instrument.telemetry.tracecontext import format_traceparent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platform_instrument.telemetry.span import Span


class Carriers:
    """The names under which metadata carries context; found when the propagators are."""

    of: propagation.Propagation | None = None
    names: frozenset[str] = frozenset()
    of_ids = False
    """Whether it is the ids of a span alone that travel, where nothing else does."""
    request_id = ""
    """That of the request's id; empty where requests have none."""


def carriers() -> type[Carriers]:
    """Return the names for the propagators in force."""
    active = propagation.ACTIVE
    if Carriers.of is not active:
        Carriers.request_id = getattr(active, "header", "").lower()
        Carriers.of_ids = active.of_ids and not Carriers.request_id
        Carriers.names = frozenset((*active.fields, *filter(None, (Carriers.request_id,))))
        Carriers.of = active
    return Carriers


def carried(metadata: Iterable[Any]) -> dict[str, str]:
    """Return what metadata carries of a context; repeated entries are joined as headers are."""
    names = Carriers.names if Carriers.of is propagation.ACTIVE else carriers().names
    found: dict[str, str] = {}
    for key, value in metadata:
        if key in names and type(value) is str:
            found[key] = f"{found[key]},{value}" if key in found else value
    return found


def with_context(metadata: Iterable[Any] | None, span: Span, host: str | None) -> tuple[Any, ...]:
    """Return the metadata of a call with the context in it, in place of what the application has put there."""
    active = propagation.ACTIVE
    if Carriers.of is not active:
        carriers()
    if not metadata and span.local is None and Carriers.of_ids:
        return (("traceparent", format_traceparent(span.trace_id, span.span_id, span.flags)),)
    headers: dict[str, str] = {}
    rest: tuple[Any, ...] = ()
    if metadata:
        pairs = tuple(metadata)
        headers = carried(pairs)
        rest = tuple([pair for pair in pairs if pair[0] not in Carriers.names])
    active.inject(span, host, headers)
    if Carriers.request_id:
        return (*rest, *[(name.lower(), value) for name, value in headers.items()])
    return (*rest, *headers.items())
