"""What an OTLP collector was sent of logs, as small frozen values; see `testing.received`, where the rest is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platform_instrument.testing.received import Scope, attributes, plain

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Log:
    """A record of a log: `severity` is numbered as in OTLP, `text` the level's name; ids in hex, "" outside of any span."""

    body: Any
    severity: int
    text: str
    attributes: Mapping[str, Any]
    trace_id: str
    span_id: str
    flags: int
    time_ns: int
    observed_ns: int
    event_name: str
    dropped_attributes: int
    scope: Scope
    resource: Mapping[str, Any]


def logs(body: bytes) -> list[Log]:
    """Return the records of an `ExportLogsServiceRequest` in the order they were made, which its groups by scope hide."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    read = []
    for group in ExportLogsServiceRequest.FromString(body).resource_logs:
        resource = attributes(group.resource.attributes)
        for scoped in group.scope_logs:
            named = scoped.scope
            scope = Scope(named.name, named.version, scoped.schema_url, attributes(named.attributes))
            read += [_log(record, scope, resource) for record in scoped.log_records]
    return sorted(read, key=lambda log: log.observed_ns)


def _log(record: Any, scope: Scope, resource: Mapping[str, Any]) -> Log:  # noqa: ANN401 - a protobuf message
    return Log(
        body=plain(record.body),
        severity=record.severity_number,
        text=record.severity_text,
        attributes=attributes(record.attributes),
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        flags=record.flags,
        time_ns=record.time_unix_nano,
        observed_ns=record.observed_time_unix_nano,
        event_name=getattr(record, "event_name", ""),  # unknown to `opentelemetry-proto` before 1.32
        dropped_attributes=record.dropped_attributes_count,
        scope=scope,
        resource=resource,
    )
