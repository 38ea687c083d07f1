"""structlog_sampling: under load, events of one name are thinned; errors, and those of a trace that is kept, never are.

What is left out has passed all processors but the last, which renders, and is dropped there as a processor would. What goes to
the standard library's logging, or to loguru, is decided about there.
Source: structlog/_base.py `BoundLoggerBase._process_event`, `_proxy_to_logger` (22.1 to 26.1).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import absorb, guard
from platform_instrument.core.values import Call, Custom, Instrumentation
from platform_instrument.engine.frames import dressed, unseen

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes
    from platform_instrument.runtime.log_sampling import Sampling

_LEVELS = {"debug": 10, "info": 20, "msg": 20, "warning": 30, "warn": 30}
"""Methods whose lines may be left out."""
_with_traceback = BaseException.with_traceback


def thin(changes: Changes) -> None:
    """Thin what is printed."""
    from platform_instrument.runtime.log_sampling import sampling  # where it is on

    sampled, base = sampling(), sys.modules["structlog._base"].BoundLoggerBase
    if sampled is not None and sampled.printed:
        plain = base._process_event  # noqa: SLF001 - no public name
        changes.replace(base, "_process_event", dressed(_processing(plain, _gated(sampled)), plain))


@unseen
def _processing(plain: Callable[..., Any], gated: Callable[..., Any]) -> Callable[..., Any]:
    def process(self: Any, method_name: str, event: Any, event_kw: Any) -> Any:  # noqa: ANN401 - structlog's BoundLoggerBase
        try:  # each line passes here: the engine's wrappers would cost as much again
            bound = gated(self, method_name, event, event_kw)
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb("structlog_sampling", fault)
            bound = self
        try:
            made = plain(bound, method_name, event, event_kw)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        if bound is self:
            guard("structlog_sampling", _hand_on, self, event, made)
        return made

    return process


def _gated(sampled: Sampling) -> Callable[..., Any]:
    from platform_instrument.telemetry.logs.chains import bucket_of
    from platform_instrument.telemetry.logs.events import tapped  # needs `logging`, which structlog has loaded
    from platform_instrument.telemetry.logs.sampling import SAYING

    sampler, dropped = sampled.sampler, sys.modules["structlog.exceptions"].DropEvent

    def gated(bound: Any, method: str, event: Any, given: Any) -> Any:  # noqa: ANN401 - as above
        """Return the logger with a gate before its last processor, for this line alone, where its bucket decides."""
        level = _LEVELS.get(method)
        if level is None or sampler.keeps(level) or _is_decided_elsewhere(bound._logger) or SAYING.get():  # noqa: SLF001
            return bound
        template = event if type(event) is str else None
        bucket = sampler.buckets.get(("", level, template)) or bucket_of(sampler, level, template, bound, method)
        if bucket is None:
            return bound

        def gate(_logger: object, _name: str, made: Any) -> Any:  # noqa: ANN401 - a mapping, mostly
            if guard("structlog_sampling", sampler.lets_pass, bucket) is not False:
                return made
            export = sampled.unprinted("structlog")
            if export is not None:
                guard("structlog_sampling", export, Call((bound, method, event, given), {}), made)
            raise dropped

        return tapped(bound, gate)

    return gated


def _is_decided_elsewhere(logger: object) -> bool:
    """Say whether a logger of the standard library takes the line, or loguru's."""
    return hasattr(logger, "handlers") or type(logger).__module__.partition(".")[0] == "loguru"


def _hand_on(bound: Any, event: Any, made: Any) -> None:  # noqa: ANN401 - as above; the arguments of the logger's method
    """Let a logger of the standard library know what the line was made of that it is given."""
    if made[0] and type(event) is str and hasattr(bound._logger, "handlers"):  # noqa: SLF001 - no public name
        from platform_instrument.telemetry.logs.sampling import HANDED_ON  # as above

        HANDED_ON.set((made[0][0], event))


INSTRUMENTATION = Instrumentation(
    name="structlog_sampling",
    requires="structlog>=22.1,<27",
    patches=(Custom("structlog._base", thin),),
    modules=("structlog",),
    settings=("log_sample",),
)
