"""Records under load where those that are exported are thinned, and the lines that are printed are not."""

from __future__ import annotations

from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.logs import capture, foreign
from platform_instrument.telemetry.logs.parts import scope_of
from platform_instrument.telemetry.logs.record import LogRecord, Site
from platform_instrument.telemetry.logs.severity import severity_of
from platform_instrument.telemetry.logs.thinning import left_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes
    from platform_instrument.telemetry.logs.foreign import Said
    from platform_instrument.telemetry.logs.queue import LogQueue
    from platform_instrument.telemetry.logs.sampling import Sampler


def thin(changes: Changes, sampler: Sampler, queue: LogQueue) -> None:
    """Leave records out where they are taken."""
    catch, take = capture.catch, foreign.take
    voice = partial(Voice, queue)

    def catch_some(logs: LogQueue, logger: Any, record: Any, left: Any = None) -> None:  # noqa: ANN401 - as `capture.catch`
        if not left_out(sampler, logger, record, voice):
            catch(logs, logger, record, left)

    def take_some(logs: LogQueue, said: Said) -> None:
        if not _left_out(sampler, said, voice):
            take(logs, said)

    changes.replace(capture, "catch", catch_some)
    changes.replace(foreign, "take", take_some)


def _left_out(sampler: Sampler, said: Said, voice: Callable[..., Voice]) -> bool:
    if not said.level or sampler.keeps(said.level):
        return False
    place = (said.path or "", said.line or 0)
    bucket = sampler.bucket(said.logger, said.level, said.level_name, said.template, *place)
    if bucket is not None and bucket.voice is None:
        bucket.voice = voice(said.logger)
    return bucket is not None and not sampler.lets_pass(bucket)


class Voice:
    """Says something as a record that is exported."""

    __slots__ = ("_queue", "_scope")

    def __init__(self, queue: LogQueue, logger: Any, _record: Any = None) -> None:  # noqa: ANN401 - a logger, or its name
        self._queue = queue
        self._scope = scope_of(getattr(logger, "name", logger))

    def __call__(self, level: int, text: str) -> bool:
        """Say it."""
        now = time_ns()
        self._queue.put(LogRecord(Site(severity_of(level), ""), self._scope, text, None, now, now))
        return True
