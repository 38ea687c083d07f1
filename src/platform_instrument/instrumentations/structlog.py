"""structlog: what the chain of processors made is masked, and carries the ids of the current span, whatever its renderer.

The end of the chain is where every logger passes, configured before or after us, cached or wrapped by hand. What goes to
the standard library's logging is finished there, so that no line is finished twice.
Source: structlog/_base.py `BoundLoggerBase._process_event` (22.1 to 26.1).
"""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.telemetry import printed
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_ERRORS = frozenset(("error", "err", "failure", "exception", "critical", "fatal"))
"""Methods of loggers that say that something went wrong."""


def finish(call: Call, made: Any) -> Any:  # noqa: ANN401 - the arguments of the logger's method: `(args, kwargs)`
    """Return what the logger is called with: another line, where it is a line."""
    arguments, named = made
    if len(arguments) != 1 or named or not isinstance(arguments[0], (str, bytes)) or _is_standard(call.instance):
        return None
    line, level = arguments[0], call.argument(1, "method_name")
    if level in _ERRORS and CURRENT.get() is not None:
        guard("errors on spans", _marked, call)
    if printed.settings().log_format != "keep":
        line = guard("log format", _formatted, line, level) or line
    return (printed.finished(line, printed.current_ids(), level, _withheld),), named


def _marked(call: Call) -> None:
    from platform_instrument.telemetry.logs.events import error_of  # needs `logging`, which structlog has loaded
    from platform_instrument.telemetry.logs.marks import mark_current

    given = call.argument(3, "event_kw")
    mark_current(error_of((given or {}).get("exc_info", True)))


def _is_standard(bound: Any) -> bool:  # noqa: ANN401 - structlog.BoundLoggerBase
    """Say whether a logger of the standard library takes the line."""
    return hasattr(bound._logger, "handlers")  # noqa: SLF001 - no public name


def _formatted(line: str | bytes, level: str) -> str | bytes:
    from platform_instrument.telemetry import formats  # where the settings want it

    if isinstance(line, bytes):
        return formats.rendered(formats.of_line(line.decode("utf-8", "replace"), level, time())).encode()
    return formats.rendered(formats.of_line(line, level, time()))


def _withheld(level: str, line: Any) -> Any:  # noqa: ANN401 - as above
    from platform_instrument.telemetry.log_records import withheld_text  # none is, mostly

    return withheld_text(level, line)


INSTRUMENTATION = Instrumentation(
    name="structlog",
    requires="structlog>=22.1,<27",
    patches=(EditResult("structlog._base:BoundLoggerBase._process_event", finish),),
    modules=("structlog",),
    settings=("log_trace_id", "log_mask", "log_format"),
)
