"""The logger provider and the loggers of the OpenTelemetry API: records of the application's own way with ours.

Loaded when the application has imported `opentelemetry._logs`.
Source: https://opentelemetry.io/docs/specs/otel/logs/api/; opentelemetry/_logs/_internal/__init__.py (1.21 to 1.45).
"""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs as api

from platform_instrument.core.guard import guard
from platform_instrument.telemetry import limits, pipeline
from platform_instrument.telemetry.bridge import current_of
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.logs.parts import described, ids_of, unobserved_here
from platform_instrument.telemetry.logs.record import LogRecord, Site
from platform_instrument.telemetry.processors import PROCESSORS
from platform_instrument.telemetry.scope import InstrumentationScope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.logs.queue import LogQueue

_MOST_LOGGERS = 1_024
_MOST_SITES = 1_024
_MOST_SEVERITY = 24
_FIELDS = ("timestamp", "observed_timestamp", "context", "severity_number", "severity_text", "body", "attributes", "event_name",
           "exception")  # fmt: skip

_sites: dict[tuple[int, str, str], Site] = {}


class Logger(api.Logger):
    """Takes the records of one instrumentation scope; never raises, whatever it is given."""

    def __init__(self, scope: InstrumentationScope) -> None:
        super().__init__(scope.name, scope.version or None, scope.schema_url or None)
        self._scope = scope

    def emit(self, record: Any = None, **fields: Any) -> None:  # noqa: ANN401 - as every version of the API calls it
        """Take a record of the API's, or its fields."""
        logs = _logs()
        if logs is not None and not unobserved_here(CURRENT.get()):
            given = fields if record is None else {name: getattr(record, name, None) for name in _FIELDS}
            made = guard("record of a log", _record, self._scope, given, record, logs.most_attributes)
            if made is not None:
                logs.put(made)

    def enabled(self, **_asked: Any) -> bool:  # noqa: ANN401 - as above
        """Say whether records are exported here."""
        return _logs() is not None and not unobserved_here(CURRENT.get())

    @property
    def resource(self) -> Any:  # noqa: ANN401 - the SDK's Resource
        """What this process is, which upstream's handler asks of a logger in old versions."""
        return _resource()


class LoggerProvider(api.LoggerProvider):
    """What the application gets for `get_logger_provider()`; also answers what code for the SDK's asks of it."""

    def __init__(self) -> None:
        self._loggers: dict[Any, Logger] = {}

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Logger:
        """Return the logger of an instrumentation scope; equal scopes share one."""
        kept, _ = limits.bounded(attributes, limits.LIMITS.event_attributes, limits.LIMITS.value_length)
        name, number, schema = map(limits.name, (name, version, schema_url))
        key = (name, number, schema, frozenset(kept.items()))
        logger = self._loggers.get(key)
        if logger is None:
            logger = Logger(InstrumentationScope(name, number, schema, kept))
            if len(self._loggers) < _MOST_LOGGERS:
                logger = self._loggers.setdefault(key, logger)
        return logger

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Let everything leave that was recorded; say whether it did in time."""
        return bool(guard("flush", PROCESSORS.flush_all, max(timeout_millis, 0) / 1000))

    def shutdown(self) -> None:
        """Let everything leave; records that still come go where they went before."""
        self.force_flush()

    @property
    def resource(self) -> Any:  # noqa: ANN401 - the SDK's Resource
        """What this process is, as the SDK's `Resource`."""
        return _resource()


def _resource() -> Any:  # noqa: ANN401 - as above
    from platform_instrument.telemetry.compat import own_resource  # loads the SDK, whose type is asked for

    return own_resource()


def _logs() -> LogQueue | None:
    return pipeline.PIPELINE.logs if pipeline.PIPELINE is not None else None


def _record(scope: InstrumentationScope, given: Mapping[str, Any], record: Any, most: int) -> LogRecord:  # noqa: ANN401
    """Return what a record of the API's says: values typed and bounded, ids of its context, else of the current span."""
    kept, dropped = limits.bounded(given.get("attributes"), most, limits.LIMITS.value_length)
    error = given.get("exception")
    if isinstance(error, BaseException):
        kept = {**described(error), **kept}  # what the application says itself is what holds
    now = time_ns()
    site = _site(given.get("severity_number"), given.get("severity_text"), given.get("event_name"))
    made, observed = limits.nanoseconds(given.get("timestamp")) or 0, limits.nanoseconds(given.get("observed_timestamp")) or now
    body = limits.clean(given.get("body"), limits.LONGEST)
    return LogRecord(site, scope, body, kept, made, observed, *_ids(given.get("context"), record), dropped)


def _ids(context: Any, record: Any) -> tuple[int, int, int]:  # noqa: ANN401 - the API's Context and LogRecord, or None
    """Return the ids that a record was given or made with, else those of its context."""
    own = tuple([getattr(record, name, 0) or 0 for name in ("trace_id", "span_id", "trace_flags")])
    if own[0]:
        return int(own[0]), int(own[1]), int(own[2])
    current = CURRENT.get()
    return ids_of(current_of(context, current) if context else current)


def _site(severity: Any, text: Any, event: Any) -> Site:  # noqa: ANN401 - whatever the application passes
    number = getattr(severity, "value", severity)
    number = number if type(number) is int and 0 <= number <= _MOST_SEVERITY else 0
    key = (number, limits.name(text)[:64], limits.name(event)[:256])
    site = _sites.get(key)
    if site is None:
        if len(_sites) >= _MOST_SITES:
            _sites.clear()
        site = _sites[key] = Site(*key)
    return site


PROVIDER = LoggerProvider()
"""The logger provider of this process."""
