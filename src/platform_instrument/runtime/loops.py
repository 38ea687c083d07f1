"""Event loops: how long each time around what is ready keeps the loop from looking for what is next.

Loops of asyncio are measured from one look for events to the next, every time: a callback that blocks is always seen, and an
idle loop costs nothing. No timer of ours is in them, so that a loop ends, and a test's loop with a clock of its own goes on, as
without us. What a loop waits for the interpreter's lock is not part of it. A loop of uvloop does not let itself be looked at: in
there a timer says how late it is.
Source: asyncio/base_events.py `BaseEventLoop._run_once` (3.10 to 3.13), uvloop/loop.pyx `Loop.run_until_complete` (0.17 to 0.22).
"""

from __future__ import annotations

import sys
from contextvars import Context
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from platform_instrument.core.values import EditCall, Instrument
from platform_instrument.engine.frames import unseen
from platform_instrument.telemetry.metrics.registry import METRICS, new_cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call, Changes

_KIND = "platform.asyncio.loop.kind"

LAG = Instrument(
    "platform.asyncio.loop.lag",
    "How long an event loop was kept from what was due: by callbacks each time around (asyncio), or a timer of ours (uvloop).",
    constant=(_KIND,),
    bounds=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    observable=True,
)

SOON, LATER = 0.1, 1.0
"""Seconds between two looks at the lag of a loop of uvloop that is busy, and of one that rests: a look costs 0.1 ms then."""

_BUSY_SECONDS = 0.005
"""CPU time or lag between two looks, from which on a loop is busy."""

_with_traceback = BaseException.with_traceback
_classes: dict[type, type] = {}
_selectors: WeakSet[Any] = WeakSet()
_beats: WeakKeyDictionary[Any, ref[_Beat]] = WeakKeyDictionary()
"""By their loops, which alone hold them: a timer holds its loop, and would keep it for good."""


def observe_asyncio(changes: Changes) -> None:
    """Measure the loops of asyncio from their next start on."""
    target = "asyncio.base_events:BaseEventLoop.run_forever"
    changes.edit(sys.modules["asyncio.base_events"].BaseEventLoop, EditCall(target, watch))
    changes.on_undo(_leave_selectors)


def observe_uvloop(changes: Changes) -> None:
    """Measure the loops of uvloop from their next start on."""
    changes.edit(sys.modules["uvloop"].Loop, EditCall("uvloop:Loop.run_forever", beat))
    changes.on_undo(_stop_beats)


def watch(call: Call) -> None:
    """Have the loop's selector tell when it is asked and when it has answered."""
    selector: Any = getattr(call.instance, "_selector", None)
    kind = type(selector)
    if kind.__module__ == "selectors" and kind not in _classes.values():
        selector.__class__ = _classes.get(kind) or _classes.setdefault(kind, _watched(kind))
        _selectors.add(selector)
    if selector in _selectors:
        selector.platform_awake = perf_counter()


def _watched(kind: Any) -> type:  # noqa: ANN401 - a selector's class
    """Return a class that passes for a selector's, whose `select` is measured around."""
    note = _lag("asyncio").note
    members = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (kind,), {**members, "select": _select(kind.select, note, perf_counter)})


@unseen
def _select(select: Callable[..., Any], note: Callable[[float], None], clock: Callable[[], float]) -> Callable[..., Any]:
    def select_measured(self: Any, timeout: Any = None) -> Any:  # noqa: ANN401 - the application's
        lag = clock() - self.platform_awake
        if lag >= 0.0:
            note(lag)
        try:
            return select(self, timeout)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        finally:
            self.platform_awake = clock()

    return select_measured


def _leave_selectors() -> None:
    while _selectors:
        selector = _selectors.pop()
        selector.__class__ = type(selector).__base__


# --- uvloop ---------------------------------------------------------------------------------------------------------------


def beat(call: Call) -> None:
    """Start the loop's timer anew: one from the last time that it ran is late by all the time in between."""
    loop = call.instance
    _stop(_beats.pop(loop, None))
    _beats[loop] = ref(_Beat(loop.call_later, _lag("uvloop").measure, perf_counter))


class _Beat:
    """A timer that measures how late it is; it runs in no context of the application's, and keeps no loop from its end."""

    __slots__ = ("__weakref__", "_clock", "_due", "_handle", "_later", "_measure", "_spent")

    def __init__(self, later: Callable[..., Any], measure: Callable[..., None], clock: Callable[[], float]) -> None:
        self._later = later
        self._measure = measure
        self._clock = clock
        self._spent = thread_time()
        self._arm(SOON)

    def _arm(self, seconds: float) -> None:
        self._due = self._clock() + seconds
        self._handle = self._later(seconds, self, context=Context())

    def __call__(self) -> None:
        lag = max(self._clock() - self._due, 0.0)
        self._measure(lag, None)
        before, self._spent = self._spent, thread_time()
        self._arm(SOON if max(lag, self._spent - before) > _BUSY_SECONDS else LATER)

    def stop(self) -> None:
        """Measure no more."""
        self._handle.cancel()


def _stop(started: ref[_Beat] | None) -> None:
    """Stop what was started, unless it has ended with its loop."""
    before = started() if started is not None else None
    if before is not None:
        before.stop()


def _stop_beats() -> None:
    for started in list(_beats.values()):
        _stop(started)


def _lag(kind: str) -> Any:  # noqa: ANN401 - a histogram's cell
    """Return the series of a kind of loops; no limit applies to two."""
    attributes = ((_KIND, kind),)
    return METRICS.metric(LAG).cells.setdefault(attributes, new_cell(LAG, attributes))
