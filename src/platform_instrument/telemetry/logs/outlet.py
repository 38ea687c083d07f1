"""Where the records of logs of this process go: encoded to a collector, printed to the console, or both."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry import losses
from platform_instrument.telemetry.door import mask_attribute, mask_name
from platform_instrument.telemetry.logs.otlp import BODY, LogEncoder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.delivery import Delivery
    from platform_instrument.telemetry.logs.record import LogRecord


class LogOutlet:
    """The way out of logs; `delivery` is None where no collector is to have them."""

    __slots__ = ("_console", "_encoder", "delivery")

    def __init__(self, resource: Mapping[str, Any], delivery: Delivery | None, *, console: bool) -> None:
        self._encoder = LogEncoder(resource)
        self._console = console
        self.delivery = delivery

    def put(self, records: list[LogRecord]) -> None:
        """Take a batch; of one with a record in it that cannot be encoded that one alone is lost."""
        if self.delivery is not None and records:
            encode = self._encoder.encode
            bodies = [guard("encode logs", encode, records)]
            if bodies[0] is None:
                bodies = [guard("encode a log", encode, (record,)) for record in records]
            encoded = [body for body in bodies if body is not None]
            lost = len(bodies) - len(encoded)
            if lost:
                self.lose(lost, "a fault of ours in encoding them", losses.NOT_ENCODED)
            if encoded:
                self.delivery.put(b"".join(encoded), len(records) - lost)  # messages of protobuf merge by concatenation
        if self._console:
            guard("print logs", _print, records)

    def lose(self, count: int, said: str, reason: str = losses.QUEUE_FULL) -> None:
        """Count records that were lost before they could be encoded; `said` is the reason in words."""
        if self.delivery is not None:
            self.delivery.count_loss(count, reason, said)


def _print(records: list[LogRecord]) -> None:
    """Print each record on a line: severity, scope, body, attributes, and the ids of its span."""
    if sys.stdout is None:
        return
    for record in records:
        site = record.site
        attributes = {**site.attributes, **(record.attributes or {})}
        said = "".join([f" {mask_name(key)}={mask_attribute(key, value)}" for key, value in attributes.items()])
        ids = f" trace_id={record.trace_id:032x} span_id={record.span_id:016x}" if record.trace_id else ""
        title = site.event_name or site.text or site.severity
        sys.stdout.write(f"{title} {record.scope.name}: {mask_attribute(BODY, record.body)}{said}{ids}\n")
    sys.stdout.flush()
