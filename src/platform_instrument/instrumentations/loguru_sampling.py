"""loguru_sampling: under load, lines of one statement are thinned; errors, and the lines of a trace that is kept, never are.

What is left out has passed a sink's level and filter, as a part of which it is decided about: once for all sinks. A statement is
told by its place, since loguru's records have no template.
Source: loguru/_handler.py `Handler.emit` (0.6 to 0.7).
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import absorb, guard
from platform_instrument.core.values import Custom, Instrumentation
from platform_instrument.engine.frames import unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.core.values import Changes
    from platform_instrument.runtime.log_sampling import Sampling
    from platform_instrument.telemetry.logs.sampling import Bucket

    Filter = Callable[[Mapping[str, Any]], Any]

_DECIDED: ContextVar[tuple[object, Bucket | None]] = ContextVar("platform_instrument_loguru_decided", default=(None, None))
"""The `elapsed` of the record that was decided about last, and the bucket by which it is left out, if it is."""


def thin(changes: Changes) -> None:
    """Decide in the filter of each sink, of those added before us too: a property goes before what they hold themselves."""
    from platform_instrument.runtime.log_sampling import sampling  # where it is on

    sampled = sampling()
    if sampled is None or not sampled.printed:
        return
    left_out = _left_out(sampled)

    def get(handler: Any) -> Filter:  # noqa: ANN401 - loguru's Handler
        return _filter(handler, left_out)

    def put(handler: Any, own: Filter | None) -> None:  # noqa: ANN401 - as above
        handler.__dict__["_filter"] = own

    changes.replace(sys.modules["loguru._handler"].Handler, "_filter", property(get, put))


@unseen
def _filter(handler: Any, left_out: Callable[[Any, Mapping[str, Any]], bool]) -> Filter:  # noqa: ANN401 - as above
    own = handler.__dict__["_filter"]

    def passes(record: Mapping[str, Any]) -> bool:
        if own is not None and not own(record):
            return False
        try:
            return not left_out(handler, record)
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb("loguru_sampling", fault)
            return True

    return passes


def _left_out(sampled: Sampling) -> Callable[[Any, Mapping[str, Any]], bool]:
    from platform_instrument.telemetry.logs.sampling import SAYING  # as above
    from platform_instrument.telemetry.logs.sinks import Voice

    sampler = sampled.sampler

    def left_out(handler: Any, record: Mapping[str, Any]) -> bool:  # noqa: ANN401 - as above
        level = record["level"]
        if sampler.keeps(level.no) or SAYING.get():
            return False
        elapsed, decided = record["elapsed"], _DECIDED.get()
        if decided[0] is elapsed:
            bucket = decided[1]
        else:
            bucket = sampler.bucket(record["name"] or "", level.no, level.name, None, record["file"].path, record["line"])
            if bucket is not None and bucket.voice is None:
                bucket.voice = Voice(record)
            if bucket is not None and sampler.lets_pass(bucket):
                bucket = None
            _DECIDED.set((elapsed, bucket))
            export = sampled.unprinted("loguru") if bucket is not None else None
            if export is not None:
                guard("loguru_sampling", export, record)
        if bucket is not None:
            bucket.voice.hear(handler)
        return bucket is not None

    return left_out


INSTRUMENTATION = Instrumentation(
    name="loguru_sampling",
    requires="loguru>=0.6,<0.8",
    patches=(Custom("loguru._handler", thin),),
    modules=("loguru",),
    settings=("log_sample",),
)
