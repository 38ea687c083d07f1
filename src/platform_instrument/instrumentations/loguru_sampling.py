"""loguru_sampling: under load, lines of one statement are thinned; errors, and the lines of a trace that is kept, never are.

What is left out has passed a sink's level and filter, as a part of which it is decided about: once for all sinks. A statement is
told by its place, since loguru's records have no template.
Source: loguru/_handler.py `Handler.emit` (0.6 to 0.7).
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import absorb, ask, guard
from platform_instrument.core.values import Custom, Instrumentation
from platform_instrument.engine.frames import unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.core.values import Changes
    from platform_instrument.runtime.log_sampling import Sampling

    Filter = Callable[[Mapping[str, Any]], Any]

_DECIDED: ContextVar[tuple[object, bool]] = ContextVar("platform_instrument_loguru_decided", default=(None, False))
"""The `elapsed` of the record that was decided about last, and whether it is left out."""


def thin(changes: Changes) -> None:
    """Decide in the filter of each sink, of those added before us too: a property goes before what they hold themselves."""
    from platform_instrument.runtime.log_sampling import sampling  # where it is on

    sampled = sampling()
    if sampled is None or not sampled.printed:
        return
    left_out = _left_out(sampled)

    def get(handler: Any) -> Filter:  # noqa: ANN401 - loguru's Handler
        return _filter(handler.__dict__["_filter"], left_out)

    def put(handler: Any, own: Filter | None) -> None:  # noqa: ANN401 - as above
        handler.__dict__["_filter"] = own

    changes.replace(sys.modules["loguru._handler"].Handler, "_filter", property(get, put))


@unseen
def _filter(own: Filter | None, left_out: Callable[[Mapping[str, Any]], bool]) -> Filter:
    def passes(record: Mapping[str, Any]) -> bool:
        if own is not None and not own(record):
            return False
        try:
            return not left_out(record)
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb("loguru_sampling", fault)
            return True

    return passes


def _left_out(sampled: Sampling) -> Callable[[Mapping[str, Any]], bool]:
    from platform_instrument.telemetry.logs.sampling import SAYING  # as above

    sampler = sampled.sampler

    def left_out(record: Mapping[str, Any]) -> bool:
        level = record["level"]
        if sampler.keeps(level.no):
            return False
        elapsed, decided = record["elapsed"], _DECIDED.get()
        if decided[0] is elapsed:
            return decided[1]
        place = (record["file"].path, record["line"])
        bucket = sampler.bucket(record["name"] or "", level.no, level.name, None, *place)
        if bucket is None or SAYING.get():
            return False
        if bucket.voice is None:
            bucket.voice = _Voice(record)
        omitted = not sampler.lets_pass(bucket)
        _DECIDED.set((elapsed, omitted))
        export = sampled.unprinted("loguru") if omitted else None
        if export is not None:
            guard("loguru_sampling", export, record)
        return omitted

    return left_out


class _Voice:
    """Says something in the place of lines that were left out; says whether it could."""

    __slots__ = ("_added", "_level", "_place")

    def __init__(self, record: Mapping[str, Any]) -> None:
        from platform_instrument.telemetry.logs.sampling import blank  # as above

        level = record["level"]
        self._level = level.no if level.name == f"Level {level.no}" else level.name
        self._place = {key: record[key] for key in ("name", "function", "line", "module", "file")}
        self._added = blank(record["extra"].items())

    def __call__(self, _level: int, text: str) -> bool:
        return ask("a sink that says what was left out", self._say, text) is not None

    def _say(self, text: str) -> bool:
        logger: Any = sys.modules["loguru"].logger
        logger.bind(**self._added).patch(lambda record: record.update(self._place)).log(self._level, text)
        return True


INSTRUMENTATION = Instrumentation(
    name="loguru_sampling",
    requires="loguru>=0.6,<0.8",
    patches=(Custom("loguru._handler", thin),),
    modules=("loguru",),
    settings=("log_sample",),
)
