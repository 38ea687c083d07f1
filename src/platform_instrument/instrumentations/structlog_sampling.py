"""structlog_sampling: under load, events of one name are thinned; errors, and those of a trace that is kept, never are.

What is left out has passed all processors but the last, which renders, and is dropped there as a processor would. What goes to
the standard library's logging, or to loguru, is decided about there.
Source: structlog/_base.py `BoundLoggerBase._process_event`, `_proxy_to_logger` (22.1 to 26.1).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import ask, guard
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call, Changes
    from platform_instrument.runtime.log_sampling import Sampling
    from platform_instrument.telemetry.logs.sampling import Bucket, Sampler

_LEVELS = {"debug": 10, "info": 20, "msg": 20, "warning": 30, "warn": 30}
"""Methods whose lines may be left out."""
_PLACE = "structlog._base:BoundLoggerBase._process_event"


def thin(changes: Changes) -> None:
    """Thin what is printed."""
    from platform_instrument.runtime.log_sampling import sampling  # where it is on

    sampled, base = sampling(), sys.modules["structlog._base"].BoundLoggerBase
    if sampled is not None and sampled.printed:
        changes.edit(base, EditCall(_PLACE, _gated(sampled)))
        changes.edit(base, EditResult(_PLACE, _hand_on))


def _gated(sampled: Sampling) -> Callable[[Call], None]:
    from platform_instrument.telemetry.logs.events import tapped  # needs `logging`, which structlog has loaded
    from platform_instrument.telemetry.logs.sampling import SAYING

    sampler, dropped = sampled.sampler, sys.modules["structlog.exceptions"].DropEvent

    def gate(call: Call) -> None:
        """Put a gate before the last processor, of this call alone."""
        level = _LEVELS.get(call.argument(1, "method_name"))
        bound = call.instance
        if level is None or sampler.keeps(level) or _is_decided_elsewhere(bound._logger) or SAYING.get():  # noqa: SLF001
            return
        event: Any = call.argument(2, "event")
        template = event if type(event) is str else None
        bucket = sampler.buckets.get(("", level, template)) or _bucket(sampler, level, template, call)
        if bucket is None:
            return

        def gate_of_the_call(_logger: object, _name: str, event: Any) -> Any:  # noqa: ANN401 - a mapping, mostly
            if guard("structlog_sampling", sampler.lets_pass, bucket) is not False:
                return event
            export = sampled.unprinted("structlog")
            if export is not None:
                guard("structlog_sampling", export, call, event)
            raise dropped

        call.args = (tapped(bound, gate_of_the_call), *call.args[1:])

    return gate


def _bucket(sampler: Sampler, level: int, template: str | None, call: Call) -> Bucket | None:
    found = ask("structlog", sys.modules["structlog._frames"]._find_first_app_frame_and_name, ["platform_instrument"])  # noqa: SLF001
    path, line, name = (found[0].f_code.co_filename, found[0].f_lineno, str(found[1])) if found else ("", 0, "")
    bucket = sampler.bucket(name, level, call.argument(1, "method_name").upper(), template, path, line, shared=True)
    if bucket is not None and bucket.voice is None:
        bucket.voice = _Voice(call.instance, call.argument(1, "method_name"))
    return bucket


def _is_decided_elsewhere(logger: object) -> bool:
    """Say whether a logger of the standard library takes the line, or loguru's."""
    return hasattr(logger, "handlers") or type(logger).__module__.partition(".")[0] == "loguru"


def _hand_on(call: Call, made: Any) -> None:  # noqa: ANN401 - the arguments of the logger's method: `(args, kwargs)`
    """Let a logger of the standard library know what the line was made of that it is given."""
    event = call.argument(2, "event")
    if made[0] and type(event) is str and hasattr(call.instance._logger, "handlers"):  # noqa: SLF001 - no public name
        from platform_instrument.telemetry.logs.sampling import HANDED_ON  # as above

        HANDED_ON.set((made[0][0], event))


class _Voice:
    """Says something by a logger like the one whose lines were left out; says whether it could."""

    __slots__ = ("_kind", "_method", "_parts")

    def __init__(self, bound: Any, method: str) -> None:  # noqa: ANN401 - structlog's BoundLoggerBase
        self._kind, self._method = type(bound), method
        self._parts = (bound._logger, bound._processors, type(bound._context))  # noqa: SLF001 - no public names

    def __call__(self, _level: int, text: str) -> bool:
        return ask("a logger that says what was left out", self._say, text) is not None

    def _say(self, text: str) -> bool:
        logger, processors, context = self._parts
        self._kind(logger, processors, context())._proxy_to_logger(self._method, text)  # noqa: SLF001 - as above
        return True


INSTRUMENTATION = Instrumentation(
    name="structlog_sampling",
    requires="structlog>=22.1,<27",
    patches=(Custom("structlog._base", thin),),
    modules=("structlog",),
    settings=("log_sample",),
)
