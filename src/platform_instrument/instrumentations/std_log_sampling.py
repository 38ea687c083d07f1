"""log_sampling: under load, lines of one template are thinned; errors, and the lines of a trace that is kept, never are.

What is left out has passed the logger's level and filters, and reaches no handler. It is taken out by `Logger.filter`, so that
no frame of ours is between who logs and the handlers, and a record is decided about once, however many of those there are. This
is applied before `logs`, whose wrapper is around this one: it finds what is left out here not passed.
Source: logging/__init__.py `Logger.handle`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import absorb, guard
from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.telemetry import printed
from platform_instrument.telemetry.context import NOTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call, Changes
    from platform_instrument.runtime.log_sampling import Sampling

_with_traceback = BaseException.with_traceback


def thin(changes: Changes) -> None:
    """Thin what is printed, what is exported, or both."""
    import logging  # loaded by then

    from platform_instrument.runtime.log_sampling import sampling  # where it is on

    sampled = sampling()
    if sampled is None:
        return
    if sampled.printed:
        from platform_instrument.telemetry.logs.thinning import left_out  # as above

        plain = logging.Logger.filter
        changes.replace(logging.Logger, "filter", dressed(_passing(plain, partial(left_out, sampled.sampler), sampled), plain))
    elif sampled.logs is not None:
        from platform_instrument.telemetry.logs import exports  # as above

        exports.thin(changes, sampled.sampler, sampled.logs)


@unseen
def _passing(plain: Callable[..., Any], left_out: Callable[[Any, Any], bool], sampled: Sampling) -> Callable[..., Any]:
    def passing(self: Any, record: Any) -> Any:  # noqa: ANN401 - logging.Logger, logging.LogRecord
        try:
            passed = plain(self, record)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        if not passed:
            return passed
        try:  # each line passes here: the engine's wrapper would cost as much again
            said = passed if passed is not True and hasattr(passed, "levelno") else record
            if not left_out(self, said):
                return passed
            export = sampled.unprinted("logging")
            if export is not None:
                guard("log_sampling", export, self, said)
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb("log_sampling", fault)
            return passed
        return False

    return passing


def settle(call: Call) -> None:
    """Let what is kept for later know that it was decided about: its record may come to a logger again."""
    record = call.argument(1, "record")
    if NOTED not in record.__dict__:
        call.args, call.kwargs = (call.args[0], printed.noted(record)), {}


INSTRUMENTATION = Instrumentation(
    name="log_sampling",
    requires="python>=3.10,<3.16",
    patches=(
        Custom("logging", thin),
        EditCall("logging.handlers:BufferingHandler.emit", settle, optional=True),
        EditCall("logging.handlers:QueueHandler.emit", settle, optional=True),
    ),
    modules=("logging",),
    settings=("log_sample", "log_sample_otlp"),
)
