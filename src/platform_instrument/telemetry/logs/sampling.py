"""Which lines of a log are left out under load: the level decides first, then the trace, then the bucket of the line's template.

A template is a logger's message before it is rendered, at one level. Its bucket lets through a burst, and then so many lines a
second. Where the messages of one statement have no end, as f-strings have, the statement has one bucket for all of them.
No lock is held. What a bucket is asked and what is noted in it contains no call, so no thread comes in between: what is left
out is counted to the line.
"""

from __future__ import annotations

from contextvars import ContextVar
from os import getpid
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.semantics.log_sampling import LEVEL, LOGGER, OMITTED
from platform_instrument.telemetry.context import CURRENT, SAMPLED
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from platform_instrument.config.schema import Settings
    from platform_instrument.telemetry.metrics.cells import NumberCell

NEVER = float("inf")

LONGEST_TEMPLATE = 256
"""Characters of a template; what is longer was rendered."""
MOST_OF_A_STATEMENT = 128
"""Templates of one statement; where there are more, they are texts, and share one bucket."""
MOST_BUCKETS = 2_048
_IDLE = 60.0
"""Seconds after which a bucket that nobody asked is forgotten, where room is wanted."""
_BELOW = {"debug": 20, "info": 30, "warning": 40}
"""The level that lines are kept from, by the highest of which some are left out. Levels in between are of the lower one."""
_STRAYING = 16
"""So many lines of several threads may be let through at once, where there was room for one."""
_LONGEST_NAME = 256
_BLANK = {str: "", int: 0, float: 0.0, bool: False}

HANDED_ON: ContextVar[tuple[object, str] | None] = ContextVar("platform_instrument_handed_on", default=None)
"""What another library has rendered last for a logger of the standard library, and its template."""

SAYING: ContextVar[bool] = ContextVar("platform_instrument_saying", default=False)
"""True while it is said how many lines were left out."""


class Bucket:
    """The lines of one template, or of one statement: how many were left out, and when the next one is due."""

    __slots__ = ("cell", "due", "level", "level_name", "logger", "omitted", "title", "told", "voice")

    def __init__(self, logger: str, level: int, level_name: str, title: str) -> None:
        self.logger = logger
        self.level = level
        self.level_name = level_name
        self.title = title
        """What the lines are told by: the template, or the place of the statement."""
        self.due = 0.0
        """When it would be full again, on the clock of `time.monotonic`."""
        self.omitted = 0
        self.told = 0
        """How many of them were told."""
        self.cell: NumberCell | None = None
        self.voice: Any = None
        """Tells, where the lines would have been, how many of them are not; None before the first is left out."""


class Sampler:
    """Decides of every line of the process; `begin` is called with the first one that is left out of a round."""

    def __init__(self, settings: Settings) -> None:
        self._below: float = _BELOW[settings.log_sample_level]
        self._interval = 1.0 / settings.log_sample_rate
        self._slack = (settings.log_sample_burst - 0.5) * self._interval
        self._farthest = self._slack + _STRAYING * self._interval
        self._keeps = SAMPLED if settings.log_sample_keep_traces else 0
        self._excluded = settings.log_sample_excluded_loggers
        self.begin: Callable[[], object] = bool
        self.round_began = NEVER
        """When the first line was left out that is not told yet."""
        self.buckets: dict[tuple[Any, ...], Bucket] = {}
        """By logger, level and template; those of statements by logger, level, file and line."""
        self.forgotten: dict[Bucket, None] = {}
        """What is not asked any more, but may have something to tell."""
        self._statements: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        """The keys of the templates of a statement, unless it has a bucket itself."""
        self._swept = 0.0
        self.pid = getpid()
        """This process: what another one has logged, and sent to be printed here, was decided there."""

    def renew(self) -> None:
        """Start from zero: in a fork child."""
        self.buckets.clear()
        self._statements.clear()
        self.forgotten.clear()
        self.round_began = NEVER
        self.pid = getpid()

    def stop(self) -> None:
        """Keep every line from now on: nobody would tell of those that were left out."""
        self._below = -NEVER

    def keeps(self, level: float) -> bool:
        """Say whether a line of this level is kept here whatever its template is: by its level, or by the trace's decision."""
        if level >= self._below:
            return True
        current = CURRENT.get()
        return current is not None and current.flags & self._keeps != 0

    def lets_pass(self, bucket: Bucket) -> bool:
        """Say whether a bucket has room for one more line, and take it; else count that the line is left out."""
        now = monotonic()
        due = bucket.due
        if due < now:  # noqa: PLR1730 - `max` is a call, in which threads change places
            due = now
        ahead = due - now
        if ahead > self._farthest:  # somebody has frozen the clock meanwhile, at another time
            due, ahead = now, 0.0
        if ahead <= self._slack:
            bucket.due = due + self._interval
            return True
        bucket.omitted += 1
        cell = bucket.cell
        if cell is None:
            cell = bucket.cell = _cell(bucket)
        cell.value += 1
        cell.touched = True
        if self.round_began is NEVER:
            self.round_began = now
            self.begin()
        return False

    # --- buckets ----------------------------------------------------------------------------------------------------

    def bucket(  # noqa: PLR0913 - what lines are told by
        self, logger: str, level: int, level_name: str, template: str | None, path: str, line: int, *, shared: bool = False
    ) -> Bucket | None:
        """Return the bucket of a line; None where none of its logger is left out.

        `template` is None where the message is none; `path` and `line` are the place of the statement. With `shared` lines of
        all loggers have one bucket.
        """
        name = "" if shared else logger
        key, statement = (name, level, template), (name, level, path, line)
        found = self.buckets.get(key) or self.buckets.get(statement)
        if found is not None:
            return found
        if self._excluded and self._is_excluded(logger):
            return None
        if len(self.buckets) >= MOST_BUCKETS:
            self._sweep()
        if template is not None and len(template) <= LONGEST_TEMPLATE and len(self.buckets) < MOST_BUCKETS:
            keys = self._statements.setdefault(statement, [])
            if len(keys) < MOST_OF_A_STATEMENT:
                keys.append(key)
                return self.buckets.setdefault(key, Bucket(logger, level, level_name, repr(template)))
        return self._of_statement(statement, logger, level_name)

    def _of_statement(self, statement: tuple[Any, ...], logger: str, level_name: str) -> Bucket:
        """Return the bucket of a statement, which takes the place of those of its templates; or of all there is no room for."""
        _, level, path, line = statement
        if len(self.buckets) >= 2 * MOST_BUCKETS:
            level = min(level // 10, 3) * 10
            return self.buckets.setdefault(("", level), Bucket("", level, level_name, "other lines"))
        title = f"{path.rpartition('/')[2]}:{line}"
        made = self.buckets.setdefault(statement, Bucket(logger, level, level_name, title))
        for key in self._statements.pop(statement, ()):
            self._forget(key)
        return made

    def _sweep(self) -> None:
        """Forget what nobody has asked for a while."""
        now = monotonic()
        if now - self._swept < _IDLE:
            return
        self._swept = now
        for key, bucket in list(self.buckets.items()):
            if bucket.due < now - _IDLE:
                self._forget(key)
        for statement, keys in list(self._statements.items()):
            if not any(key in self.buckets for key in keys):
                self._statements.pop(statement, None)

    def _forget(self, key: tuple[Any, ...]) -> None:
        bucket = self.buckets.pop(key, None)
        if bucket is None:
            return
        if len(self.forgotten) >= MOST_BUCKETS:
            self.clear()
        self.forgotten[bucket] = None  # a thread may be about to count a line in it

    def clear(self) -> None:
        """Drop forgotten buckets that have nothing to tell."""
        for bucket in list(self.forgotten):
            if bucket.omitted == bucket.told:
                self.forgotten.pop(bucket, None)

    def _is_excluded(self, logger: str) -> bool:
        return any(logger == name or logger.startswith(f"{name}.") for name in self._excluded)


def blank(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return what stands for values that a format wants of each line, in the one that says how many lines were left out."""
    return {key: _BLANK.get(type(value)) for key, value in values}


def _cell(bucket: Bucket) -> NumberCell:
    """Return the series that a bucket's lines are counted in."""
    level = "debug" if bucket.level < _BELOW["debug"] else "info" if bucket.level < _BELOW["info"] else "warning"
    pairs = ((LEVEL, level), (LOGGER, bucket.logger[:_LONGEST_NAME]))
    cell: NumberCell = METRICS.metric(OMITTED).cell(pairs)
    return cell
