"""loguru: what each sink is given is masked, and carries the ids of the current span: text, coloured, serialized or queued.

A message is finished as it is made, for sinks added before or after us alike; its record stays as it is. What is printed
raw and ends no line stays without ids. A message that comes out of a queue was finished before it went in.
Source: loguru/_handler.py `Handler.emit`, `Message` (0.6 to 0.7).
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.engine.during import during
from platform_instrument.telemetry import printed
from platform_instrument.telemetry.context import CURRENT, ERROR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.core.values import Call, Changes

_EMITTED: ContextVar[list[Any] | None] = ContextVar("platform_instrument_loguru", default=None)
"""The record that a sink's message is being made of, and whether it is printed raw; empty once the message is made."""


def cover_emissions(changes: Changes) -> None:
    """Know what a message is made of, while other records are logged by what is rendered for it."""
    handler = sys.modules["loguru._handler"].Handler
    during(changes, handler, "emit", _EMITTED, lambda _handler, record, _level, _decorated, raw=False, *_: [record, raw])


def finish(call: Call) -> None:
    """Make the message of the line as it is printed."""
    emitted = _EMITTED.get()
    if not emitted:
        return
    record, raw = emitted
    emitted.clear()
    kind, line = call.args
    if record["level"].no >= ERROR and CURRENT.get() is not None:
        guard("errors on spans", _marked, record)
    if not raw and printed.settings().log_format != "keep":
        line = guard("log format", _formatted, record) or line
    ids = printed.current_ids() if line.endswith("\n") or not raw else None
    call.args = (kind, printed.finished(line, ids, record, _withheld))


def _marked(record: Mapping[str, Any]) -> None:
    from platform_instrument.telemetry.logs.marks import handled, mark_current  # needs `traceback`

    exception = record["exception"]
    mark_current(exception.value if exception else handled(ERROR))


def _formatted(record: Mapping[str, Any]) -> str:
    from platform_instrument.telemetry import formats  # where the settings want it

    exception = record["exception"]
    said = formats.Said(
        record["time"].timestamp(),
        record["level"].name,
        record["name"] or "",
        record["message"],
        record["extra"],
        exception.value if exception else None,
    )
    return formats.rendered(said) + "\n"


def _withheld(record: Mapping[str, Any], line: str) -> Any:  # noqa: ANN401 - of its kind
    from platform_instrument.telemetry.log_records import withheld_text  # none is, mostly

    told = f"{record['level'].name} {record['name']} {record['file'].name}:{record['line']}"
    return f"{withheld_text(told, line)}{line[len(line.rstrip()) :]}"


INSTRUMENTATION = Instrumentation(
    name="loguru",
    requires="loguru>=0.6,<0.8",
    patches=(
        Custom("loguru._handler", cover_emissions),
        EditCall("loguru._handler:Message.__new__", finish),
    ),
    modules=("loguru",),
    settings=("log_trace_id", "log_mask", "log_format"),
)
