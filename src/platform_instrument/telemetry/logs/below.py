"""Which lines are made though their logger's level is higher, and which of those that are made go no further than us."""

from __future__ import annotations

import logging
from copy import copy
from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard
from platform_instrument.telemetry.logs.kept import kept
from platform_instrument.telemetry.logs.playback import prints

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from platform_instrument.telemetry.flight_recorder import Recorder
    from platform_instrument.telemetry.logs.ring import Ring

_LOGGING = ("debug", "info", "warning", "error", "critical", "log")
PLACE = "flight_recorder line"
_MOST_ASKERS = 1_024
_MOST_FRAMES = 8
"""From the check of a record to the function that logs there are three, more where other agents have wrapped some."""


class Below:
    """What is asked in place of two methods of `Logger`, whose own answers are `enabled`'s."""

    def __init__(self, recorder: Recorder, enabled: Callable[[logging.Logger, int], bool]) -> None:
        self._recorder = recorder
        self._enabled = enabled
        codes = [getattr(getattr(logging.Logger, name), "__code__", None) for name in _LOGGING]
        self._askers: dict[int, CodeType] = {id(code): code for code in codes if code is not None}
        """The code of functions that ask whether a logger is enabled, and log then; by its id, since its hash is a long way."""

    def wanted(self, logger: logging.Logger, level: int, asker: CodeType) -> bool:
        """Say whether a line that its logger does not want is made all the same, to be kept."""
        recorder = self._recorder
        if level < recorder.level or logger.disabled or logger.manager.disable >= level:
            return False
        ring = recorder.ring()
        if ring is None or not ring.opened or not recorder.chosen.has(logger.name) or not _fits(type(logger)):
            return False
        if id(asker) not in self._askers:
            if len(self._askers) >= _MOST_ASKERS:
                return False
            self._askers[id(asker)] = asker
        return True

    def kept(self, logger: logging.Logger, record: logging.LogRecord, caller: FrameType) -> bool:
        """Keep a record that nobody would print; say whether it goes no further, since it was made for us alone."""
        recorder, level = self._recorder, record.levelno
        ring = recorder.ring()
        if ring is None:
            return False
        if self._enabled(logger, level):
            low = recorder.level <= level < logging.WARNING
            if low and ring.opened and recorder.chosen.has(logger.name) and not prints(logger, level):
                guard(PLACE, _keep, ring, logger, copy(record), passed=True)
            return False
        if not _fits(type(logger)) or not self._asked(caller):
            return False
        guard(PLACE, _keep, ring, logger, record, passed=False)
        return True

    def _asked(self, frame: FrameType | None) -> bool:
        """Say whether who logs has asked before: who has not, logs whatever the level is."""
        askers = self._askers
        for _ in range(_MOST_FRAMES):
            if frame is None:
                return False
            if id(frame.f_code) in askers:
                return True
            frame = frame.f_back
        return False


def _keep(ring: Ring, logger: logging.Logger, record: logging.LogRecord, *, passed: bool) -> None:
    ring.put(kept(logger, record, passed=passed))


def _fits(kind: type[logging.Logger]) -> bool:
    """Say whether a class of loggers decides as `Logger` does what it makes and what it hands on."""
    plain = logging.Logger
    return kind is plain or (
        kind.isEnabledFor is plain.isEnabledFor and kind.handle is plain.handle and kind.filter is plain.filter
    )
