"""An event of structlog as it is kept for later: as its last processor is given it, made of values that do not change any more.

That processor, which renders, is asked when the line is printed, and with it whatever else is done with lines.
Source: structlog/_base.py `BoundLoggerBase._process_event`.
"""

from __future__ import annotations

import sys
from contextvars import copy_context
from inspect import unwrap
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import ask
from platform_instrument.telemetry.logs import kept, playback
from platform_instrument.telemetry.logs.sampling import SAYING

if TYPE_CHECKING:
    from platform_instrument.telemetry.flight_recorder import Recorder
    from platform_instrument.telemetry.logs.queue import LogQueue

_EVENT = 640
"""Bytes of an event without its values."""


class KeptEvent:
    """One event; for the call that makes it, the last processor of its logger."""

    __slots__ = ("_bound", "_event", "_method", "_renderer", "context", "weight")

    def __init__(self, bound: Any) -> None:  # noqa: ANN401 - structlog's BoundLoggerBase
        self._bound = bound
        self._renderer = bound._processors[-1]  # noqa: SLF001 - no public name
        self._method = ""
        self._event: dict[str, Any] | None = None
        self.context = copy_context()
        self.weight = 0

    def logger(self) -> Any:  # noqa: ANN401 - as above
        """Return the logger as it is for the call that makes the event."""
        return self._with([*self._bound._processors[:-1], self], self._bound._context)  # noqa: SLF001 - as above

    def __call__(self, _logger: object, method: str, event: Any) -> tuple[tuple[()], dict[str, Any]]:  # noqa: ANN401 - a dict, mostly
        """Take the event."""
        if isinstance(event, dict):
            self._method = method
            self._event = kept.event_of(event)
            self.weight = _EVENT + kept.length_of(self._event)
        return (), {}

    def play(self, _logs: LogQueue | None, left_out: int = 0) -> None:
        """Print the line, or that so many before it are not kept any more."""
        event = self._event or {}
        if left_out:
            event = {
                **{name: event[name] for name in ("level", "timestamp") if name in event},
                "event": playback.left_out_before(left_out),
            }
        SAYING.set(True)  # in the line's own context, which ends here
        ask("a logger of structlog", self._print, event)

    def _print(self, event: dict[str, Any]) -> None:
        bound = self._with([self._renderer], {})
        try:
            arguments, named = bound._process_event(self._method, None, event)  # noqa: SLF001 - as above
        except sys.modules["structlog.exceptions"].DropEvent:
            return
        getattr(bound._logger, self._method)(*arguments, **named)  # noqa: SLF001 - as above

    def _with(self, processors: list[Any], context: Any) -> Any:  # noqa: ANN401 - a mapping, a BoundLoggerBase
        """Return the logger with other processors."""
        copy = object.__new__(type(self._bound))
        copy.__dict__.update(self._bound.__dict__)
        copy._processors, copy._context = processors, context
        return copy


class Events:
    """What a filtering logger's methods ask that are below its level."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._dropped = sys.modules["structlog.exceptions"].DropEvent
        self.process = unwrap(sys.modules["structlog._base"].BoundLoggerBase._process_event)  # noqa: SLF001 - no public name
        """Runs the processors, and does nothing else of ours."""

    def wanted(self, bound: Any, level: int) -> bool:  # noqa: ANN401 - structlog's BoundLoggerBase
        """Say whether the event of a logger is made though it is below its level."""
        recorder, name = self._recorder, getattr(bound._logger, "name", "")  # noqa: SLF001 - no public name
        ring = recorder.ring()
        if ring is None or not ring.opened or level < recorder.level or not bound._processors:  # noqa: SLF001 - as above
            return False
        return recorder.chosen.has(name if isinstance(name, str) else "")

    def begin(self, bound: Any, level: int) -> Any:  # noqa: ANN401 - as above; an event to keep, or the logger itself
        """Return what takes the event, None where nobody does."""
        if not self.wanted(bound, level):
            return None
        effective = getattr(bound._logger, "getEffectiveLevel", None)  # noqa: SLF001 - as above
        return bound if effective is not None and effective() > level else KeptEvent(bound)

    def end(self, event: KeptEvent) -> None:
        """Keep the event, unless a processor has dropped it."""
        ring = self._recorder.ring()
        if ring is not None and event.weight:
            ring.put(event)

    def failed(self, error: BaseException) -> None:
        """Say that a processor of the application's has raised, which nobody expects of a line below the level."""
        if not isinstance(error, self._dropped):
            ask("a processor of structlog", _raise, error)


def _raise(error: BaseException) -> None:
    raise error
