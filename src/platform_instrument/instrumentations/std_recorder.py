"""flight_recorder: lines below the service's level are kept for each request, and printed if it fails or is slow.

Inside a request `isEnabledFor` says of loggers that are kept that they are enabled, so that the lines are made; `level`,
`getEffectiveLevel` and, outside of requests, `isEnabledFor` answer as ever. A line below the level is kept by `Logger.filter`,
which lets it pass no further: no frame of ours is between who logs and the handlers. Who logs without asking `isEnabledFor`
first, as SQLAlchemy does where `echo` is on, has it printed as ever. It is applied before `logs`, whose wrapper is around this
one: what is kept is not exported yet.
Source: logging/__init__.py `Logger.debug`, `Logger._log`, `Logger.handle`.
"""

from __future__ import annotations

from sys import _getframe
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import absorb
from platform_instrument.core.values import Custom, Instrumentation
from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from platform_instrument.core.values import Changes
    from platform_instrument.telemetry.logs.below import Below

_PLACE = "flight_recorder"
_current = CURRENT.get


def record(changes: Changes) -> None:
    """Record from now on."""
    from logging import Logger  # loaded by then

    from platform_instrument.telemetry.flight_recorder import recorder_of  # as below
    from platform_instrument.telemetry.logs.below import Below  # only where it is on; needs `logging`

    recorder = recorder_of()
    if recorder is None:
        return
    below = Below(recorder, Logger.isEnabledFor)
    changes.replace(Logger, "isEnabledFor", _enabled(Logger.isEnabledFor, below))
    changes.replace(Logger, "filter", _passing(Logger.filter, below))
    changes.on_undo(recorder.stop)


def _enabled(plain: Callable[..., Any], below: Below) -> Callable[..., Any]:
    return dressed(_is_enabled_for(plain, below.wanted), plain)


def _passing(plain: Callable[..., Any], below: Below) -> Callable[..., Any]:
    return dressed(_filter(plain, below.kept), plain)


@unseen
def _is_enabled_for(plain: Callable[..., Any], wanted: Callable[[Any, Any, CodeType], bool]) -> Callable[..., Any]:
    def is_enabled_for(self: Any, level: Any) -> Any:  # noqa: ANN401 - logging.Logger, a level
        if plain(self, level):
            return True
        current = _current()
        if current is None or current.local is None:
            return False
        try:
            return wanted(self, level, _getframe(1).f_code)
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb(_PLACE, fault)
            return False

    return is_enabled_for


@unseen
def _filter(plain: Callable[..., Any], kept: Callable[[Any, Any, Any], bool]) -> Callable[..., Any]:
    def passing(self: Any, record: Any) -> Any:  # noqa: ANN401 - logging.Logger, logging.LogRecord
        passed, current = plain(self, record), _current()
        if passed and current is not None and current.local is not None:
            try:
                if kept(self, record if passed is True else passed, _getframe(1)):
                    return False
            except BaseException as fault:  # noqa: BLE001 - the guard decides
                absorb(_PLACE, fault)
        return passed

    return passing


INSTRUMENTATION = Instrumentation(
    name="flight_recorder",
    requires="python>=3.10,<3.16",
    patches=(Custom("logging", record),),
    modules=("logging",),
    settings=("log_flight_recorder",),
)
