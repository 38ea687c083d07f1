"""logging: every line that a handler prints is masked, and carries the ids of the current span, whatever its format.

Records stay as they are: the line is masked once it is rendered, also as a mapping or bytes; what leaves as a record is a
masked copy. A line of text gets ` trace_id=… span_id=…` at the end of its first line, a JSON object two members.
Source: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/; logging/__init__.py, handlers.py.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import absorb, guard
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.engine.records import on_record
from platform_instrument.telemetry import printed
from platform_instrument.telemetry.context import CURRENT, ERROR, NOTED

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes


def finish(_handler: Any, record: Any, line: Any) -> Any:  # noqa: ANN401 - what a formatter made, mostly a text
    """Return the line as it is printed; whatever a record is like, its line is masked."""
    try:  # `guard` would cost as much as all of this
        if record.levelno >= ERROR and CURRENT.get() is not None:
            guard("errors on spans", _marked, record)
        noted = record.__dict__.get(NOTED)
        ids = printed.current_ids(record.exc_info[1] if record.exc_info else None) if noted is None else noted or None
    except BaseException as fault:  # noqa: BLE001 - the guard decides
        absorb(printed.IDS, fault)
        ids = None
    return printed.finished(line, ids, record, _withheld)


def finish_formatted(handler: Any, record: Any, line: Any) -> Any:  # noqa: ANN401 - as above
    """Return the line in a format of the platform's; a handler that puts it into a queue has it formatted behind that."""
    if isinstance(line, str) and not hasattr(handler, "enqueue"):
        line = guard("log format", _formatted, record) or line
    return finish(handler, record, line)


def _marked(record: Any) -> None:  # noqa: ANN401 - logging.LogRecord
    from platform_instrument.telemetry.logs.marks import error_of, mark_current  # needs `traceback`

    mark_current(error_of(record, record.levelno))


def _formatted(record: Any) -> str:  # noqa: ANN401 - as above
    from platform_instrument.telemetry import formats  # where the settings want it

    return formats.rendered(formats.of_record(record))


def _withheld(record: Any, line: Any) -> Any:  # noqa: ANN401 - as above
    from platform_instrument.telemetry.log_records import withheld_line  # none is, mostly

    return withheld_line(record, line)


def keep(call: Call) -> None:
    """Give what keeps a record for later a copy that knows its span."""
    call.args, call.kwargs = (call.args[0], printed.noted(call.argument(1, "record"))), {}


def unsaid(_call: Call, record: Any) -> None:  # noqa: ANN401 - as above
    """Take the ids out of the message again that a queue's handler rendered: the line that is made of it will have them."""
    noted = record.__dict__.get(NOTED)
    if noted and isinstance(record.msg, str):
        record.msg = record.message = printed.unsaid(record.msg, noted)


def instead(what: str, call: Call) -> None:
    """Give another record to what shows or sends its parts: one without values, that says nothing where masking fails."""
    if printed.settings().log_mask:
        from platform_instrument.telemetry import log_records  # few handlers take one

        record = call.argument(1, "record")
        other = guard(printed.MASKING, getattr(log_records, what), record)
        call.args, call.kwargs = (call.args[0], log_records.withheld(record) if other is None else other), {}


def lines(changes: Changes) -> None:
    """Finish what handlers render: by `Handler.format`, and by a `format` of their own, of each class once the first is made."""
    from logging import Handler  # loaded by then
    from weakref import WeakSet

    finishes = finish if printed.settings().log_format == "keep" else finish_formatted
    on_record(changes, Handler, "format", printed.MASKING, finishes, spare=printed.spare())
    seen: WeakSet[type] = WeakSet()

    def made(call: Call) -> None:
        kinds = type(call.args[0]).__mro__
        for kind in kinds[: kinds.index(Handler)]:
            if kind not in seen and "format" in vars(kind):
                changes.edit(kind, EditResult(f"{kind.__module__}:{kind.__qualname__}.format", rendered))
            seen.add(kind)

    def rendered(call: Call, line: Any) -> Any:  # noqa: ANN401 - as above
        return finishes(call.instance, call.argument(1, "record"), line)

    changes.edit(Handler, EditCall("logging:Handler.__init__", made))


INSTRUMENTATION = Instrumentation(
    name="logging",
    requires="python>=3.10,<3.16",
    patches=(
        Custom("logging", lines),
        EditCall("logging.handlers:BufferingHandler.emit", keep, optional=True),
        EditCall("logging.handlers:QueueHandler.emit", keep, optional=True),
        EditResult("logging.handlers:QueueHandler.prepare", unsaid, optional=True),
        EditCall("logging:Handler.handleError", partial(instead, "shown")),
        EditCall("logging.handlers:HTTPHandler.mapLogRecord", partial(instead, "copied"), optional=True),
        EditCall("logging.handlers:SocketHandler.makePickle", partial(instead, "copied"), optional=True),
    ),
    modules=("logging",),
    settings=("log_trace_id", "log_mask", "log_format"),
)
