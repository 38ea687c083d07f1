"""The pools of connections of this process: which are alive, what they are called, how they are, how long they take.

One `Pools` a library. State is asked for when metrics are collected, of pools that are held weakly; times are measured when a
connection is taken, given back or made. A pool that is gone, or that was closed, vanishes from the metrics of state; what was
counted stays. Nothing here holds a lock: a pool may be collected, and a connection given back, in the middle of anything.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import ref

from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.semantics.pools import CREATE_TIME, POOL_NAME, TIMEOUTS, USE_TIME, WAIT_TIME
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes, Instrument
    from platform_instrument.semantics.pools import State

    Key = tuple[Instrument, tuple[tuple[str, Any], ...]]

SHORT = 0.001
"""Seconds; a wait or a use that is shorter leads to no trace: nobody looks for one there."""

_MOST_POOLS = 1_000
_MOST_ALIKE = 32
"""So many pools of one database are told apart; the others are counted together with the last."""

_WATCHED = "_platform_instrument_pool"
"""Where a pool remembers that it is watched."""

_BORROWED = "_platform_instrument_borrowed"
"""Where a connection remembers when it was taken, 0 where it was given back."""

_alive: set[Watched] = set()
_names: dict[str, Watched] = {}
_shown: set[Key] = set()
"""The series of the last collection."""


class Watched:
    """One pool: its library, its name, its cells, and its connections, as far as they were taken while it was observed."""

    __slots__ = ("alive", "connections", "create", "library", "name", "pool", "resets", "timeouts", "use", "wait", "wanted")

    def __init__(self, library: Pools, pool: Any, wanted: str) -> None:  # noqa: ANN401 - of the library
        self.library = library
        self.wanted = wanted
        self.connections: set[ref[Any]] = set()
        self.resets = METRICS.resets
        """The `METRICS.resets` of the process that the pool was first used in: after a fork it is another's."""
        self.pool = ref(pool, lambda _: self.forget())
        self.begin()

    def begin(self) -> None:
        """Take the first of `wanted`, `wanted#2`, `wanted#3` and so on that no living pool has, and count under it."""
        name = self.wanted
        for number in range(2, _MOST_ALIKE + 2):
            if _names.setdefault(name, self) is self:
                break
            name = f"{self.wanted}#{min(number, _MOST_ALIKE)}"
        pairs = ((POOL_NAME, name),)
        instruments = (WAIT_TIME, USE_TIME, CREATE_TIME, TIMEOUTS)
        self.name = name
        self.wait, self.use, self.create, self.timeouts = [METRICS.metric(each).cell(pairs) for each in instruments]
        self.alive = True
        _alive.add(self)

    def forget(self) -> None:
        """Let the pool vanish from the metrics of state, and another one have its name."""
        self.alive = False
        _alive.discard(self)
        if _names.get(self.name) is self:
            del _names[self.name]

    def state(self) -> State | None:
        """Return how the pool is, None where it is no more."""
        pool = self.pool()
        if pool is None:
            return None
        connections = [connection for each in self.connections.copy() if (connection := each()) is not None]
        return guard(f"{self.library.name} pool", self.library.look, pool, connections)


class Pools:
    """The pools of one library.

    `called(pool, connection)` says what a pool is called; the connection is one of its own, None where there is none yet.
    `look(pool, connections)` says how it is, None where it is closed for good; where `follow` asks for it `connections` are
    those that were ever taken and are alive. `closing(pool)` returns what closes it, a function or a coroutine function. `fields`
    is where a connection remembers: mostly its `__dict__`. Times are in seconds of `perf_counter`, which may go back where
    somebody freezes the clock.
    """

    __slots__ = ("_called", "_follow", "closing", "look", "name")

    def __init__(
        self,
        name: str,
        called: Callable[[Any, Any], str],
        look: Callable[[Any, list[Any]], State | None],
        *,
        follow: bool = False,
        closing: Callable[[Any], Callable[[], Any]] | None = None,
    ) -> None:
        self.name = name
        self.look = look
        self.closing = closing
        self._called = called
        self._follow = follow

    def watch(self, changes: Changes) -> None:
        """Watch until the instrumentation is undone; nothing is changed for it."""
        changes.on_undo(self._stop)

    def taken(self, began: float, pool: Any, connection: Any, fields: dict[str, Any]) -> None:  # noqa: ANN401 - of the library
        """Measure how long it took to get a connection, and remember when it was taken."""
        watched = pool.__dict__.get(_WATCHED)
        if watched is None or not watched.alive:
            watched = self._watch(pool, connection)
            if watched is None:
                return
        now = perf_counter()
        waited = now - began if now > began else 0.0
        if waited < SHORT:
            watched.wait.note(waited)
        else:
            watched.wait.measure(waited, CURRENT.get())
        if self._follow and _BORROWED not in fields:
            watched.connections.add(ref(connection, watched.connections.discard))
        fields[_BORROWED] = now

    def given_back(self, began: float, pool: Any, fields: dict[str, Any]) -> None:  # noqa: ANN401 - of the library
        """Measure how long a connection was used, once; the pool may be closed by now."""
        taken = fields.get(_BORROWED)
        if taken:
            fields[_BORROWED] = 0.0
            used = began - taken if began > taken else 0.0
            if used < SHORT:
                pool.__dict__[_WATCHED].use.note(used)
            else:
                pool.__dict__[_WATCHED].use.measure(used, CURRENT.get())

    def made(self, began: float, pool: Any, connection: Any) -> None:  # noqa: ANN401 - of the library
        """Measure how long it took to open a connection."""
        watched = self._watch(pool, connection)
        if watched is not None:
            watched.create.measure(max(perf_counter() - began, 0.0), CURRENT.get())

    def timed_out(self, pool: Any) -> None:  # noqa: ANN401 - of the library
        """Count a request that waited in vain."""
        watched = self._watch(pool, None)
        if watched is not None:
            watched.timeouts.measure(1, CURRENT.get())

    def closed(self, pool: Any) -> None:  # noqa: ANN401 - of the library
        """Let a pool vanish until it is used again."""
        watched = pool.__dict__.get(_WATCHED)
        if watched is not None:
            watched.forget()

    def _watch(self, pool: Any, connection: Any) -> Watched | None:  # noqa: ANN401 - of the library
        """Return the one who watches a pool, None where there are too many."""
        watched: Watched | None = pool.__dict__.get(_WATCHED)
        if watched is not None and watched.alive:
            return watched
        if len(_alive) >= _MOST_POOLS:
            say(f"more than {_MOST_POOLS} pools of connections are alive; further ones are not measured", place="pools")
            return None
        if _observe not in METRICS.observers:
            METRICS.observers.append(_observe)
        if watched is not None:
            watched.begin()
            return watched
        made = Watched(self, pool, self._called(pool, connection))
        watched = pool.__dict__.setdefault(_WATCHED, made)
        if watched is not made:  # another thread was faster
            made.forget()
        return watched

    def _stop(self) -> None:
        """Let all pools of the library vanish."""
        for watched in tuple(_alive):
            if watched.library is self:
                watched.forget()


def to_close() -> list[tuple[str, Callable[[], Any]]]:
    """Return the names of the pools that were first used in this process and are open, and what closes each."""
    found = []
    for watched in tuple(_alive):
        pool, closing = watched.pool(), watched.library.closing
        if pool is None or closing is None or watched.resets != METRICS.resets or watched.state() is None:
            continue
        close = guard(f"{watched.library.name} pool", closing, pool)
        if close is not None:
            found.append((f"{watched.library.name} pool {watched.name}", close))
    return found


def borrowed(connection: Any) -> bool:  # noqa: ANN401 - of a library
    """Say whether a connection is taken and not given back yet."""
    return bool(connection.__dict__.get(_BORROWED))


def _observe() -> None:
    """Say how every pool is; the numbers of those with one name are added up, and who is gone is retired."""
    totals: dict[Key, int] = {}
    for watched in tuple(_alive):
        state = watched.state()
        if state is None:
            watched.forget()
            continue
        watched.timeouts.add(0)
        for instrument, pairs, number in state.series(watched.name):
            totals[instrument, pairs] = totals.get((instrument, pairs), 0) + number
    for (instrument, pairs), total in totals.items():
        METRICS.metric(instrument).cell(pairs).put(total)
    for instrument, pairs in _shown - totals.keys():
        METRICS.metric(instrument).retire(pairs)
    _shown.clear()
    _shown.update(totals)
