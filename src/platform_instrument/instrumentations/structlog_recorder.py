"""structlog_recorder: what filtering loggers of structlog's own leave out is kept for each request, and printed if it goes wrong.

Their methods below the level do nothing: inside a request they run the processors but the last. What goes to a logger of the
standard library whose own level leaves it out, too, is handed on to it, which is recorded itself.
Source: structlog/_native.py `_make_filtering_bound_logger` (22.1 to 26.1).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom, Instrumentation
from platform_instrument.engine.frames import dressed, housed, unseen

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes
    from platform_instrument.telemetry.logs.kept_event import Events

_PLACE = "structlog_recorder"
_METHODS = {"debug": 10, "info": 20, "msg": 20, "warning": 30, "warn": 30, "error": 40, "critical": 50, "fatal": 50}


def record(changes: Changes) -> None:
    """Record from now on."""
    from platform_instrument.telemetry.flight_recorder import recorder_of  # only where it is on
    from platform_instrument.telemetry.logs.kept_event import Events  # needs `logging`, which structlog has loaded

    recorder, native = recorder_of(), sys.modules["structlog._native"]
    if recorder is None:
        return
    events = Events(recorder)
    for kind in _kinds(native):
        for name, level in _METHODS.items():
            for prefix, nothing, made in (("", "_nop", _method), ("a", "_anop", _async_method)):
                plain: Any = getattr(native, nothing, record)
                if vars(kind).get(prefix + name) == plain:
                    changes.replace(kind, prefix + name, dressed(housed(made(name, level, events), plain), plain))
        if "is_enabled_for" in vars(kind):
            changes.replace(kind, "is_enabled_for", _asking(vars(kind)["is_enabled_for"], events))


def filter_as_recorded(changes: Changes) -> None:
    """Let the processor that filters by a logger's level pass what that logger takes to be kept: newer ones ask for the level."""
    stdlib = sys.modules["structlog.stdlib"]
    plain, dropped = stdlib.filter_by_level, sys.modules["structlog.exceptions"].DropEvent
    changes.replace(stdlib, "filter_by_level", dressed(housed(_filtering(plain, dropped), plain), plain))


def _kinds(native: Any) -> tuple[type, ...]:  # noqa: ANN401 - a module
    """Return the classes of filtering loggers, one a level."""
    return tuple(kind for name, kind in vars(native).items() if name.startswith("BoundLoggerFilteringAt"))


@unseen
def _method(name: str, level: int, events: Events) -> Callable[..., Any]:
    def method(self: Any, event: Any, *args: Any, **kw: Any) -> None:  # noqa: ANN401 - structlog's
        taking = guard(_PLACE, events.begin, self, level)
        if taking is None:
            return
        try:
            if args:
                event = event % (args[0] if len(args) == 1 and isinstance(args[0], dict) and args[0] else args)
            if taking is self:
                self._proxy_to_logger(name, event, **kw)
                return
            events.process(taking.logger(), name, event, kw)
        except BaseException as error:  # noqa: BLE001 - the guard decides
            events.failed(error)
            return
        guard(_PLACE, events.end, taking)

    return method


@unseen
def _async_method(name: str, level: int, events: Events) -> Callable[..., Any]:
    at_once = _method(name, level, events)

    async def method(self: Any, event: Any, *args: Any, **kw: Any) -> None:  # noqa: ANN401 - structlog's
        at_once(self, event, *args, **kw)

    return method


@unseen
def _asking(plain: Callable[..., Any], events: Events) -> Callable[..., Any]:
    def is_enabled_for(self: Any, level: Any) -> Any:  # noqa: ANN401 - structlog's
        return plain(self, level) or guard(_PLACE, events.wanted, self, level) or False

    return dressed(is_enabled_for, plain)


@unseen
def _filtering(plain: Callable[..., Any], dropped: type[BaseException]) -> Callable[..., Any]:
    def filter_by_level(logger: Any, method_name: Any, event_dict: Any) -> Any:  # noqa: ANN401 - structlog's
        try:
            return plain(logger, method_name, event_dict)
        except dropped:
            if guard(_PLACE, _is_enabled, logger, method_name):
                return event_dict
            raise

    return filter_by_level


def _is_enabled(logger: Any, name: str) -> Any:  # noqa: ANN401 - logging.Logger
    return name in _METHODS and logger.isEnabledFor(_METHODS[name])


INSTRUMENTATION = Instrumentation(
    name="structlog_recorder",
    requires="structlog>=22.1,<27",
    patches=(Custom("structlog._native", record), Custom("structlog.stdlib", filter_as_recorded)),
    modules=("structlog",),
    settings=("log_flight_recorder",),
)
