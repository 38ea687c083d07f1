"""Observables: what is only known by asking, asked before each collection.

The callbacks are the application's, and may do anything: they are asked in a thread of their own, which a collection waits for
in bounds. What comes too late is in the next one, and nobody is asked again before that. In a fork child, which inherits what
was there to ask, they are asked anew.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.metrics import CallbackOptions

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import ask, guard
from platform_instrument.core.report import say
from platform_instrument.core.values import GAUGE
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.meters.series import ApplicationMetric
from platform_instrument.telemetry.metrics.registry import METRICS, Limits
from platform_instrument.telemetry.threads import leave_signals_to_the_application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from platform_instrument.core.values import Instrument
    from platform_instrument.telemetry.scope import InstrumentationScope

_PATIENCE = 1.0
"""Seconds that a collection waits for answers."""

_NAME = "platform-instrument observables"

_TIMEOUT_MILLIS = 10_000
"""What callbacks are told about their time, as by the SDK."""


class ObservedMetric(ApplicationMetric):
    """The metric of an observable: its series are those that the callbacks said when they were asked last."""

    __slots__ = ("_ask",)

    def __init__(self, instrument: Instrument, scope: InstrumentationScope, callbacks: Iterable[Any]) -> None:
        super().__init__(instrument, scope)
        self._ask = tuple([_asking(callback) for callback in callbacks])

    def observe(self, options: CallbackOptions) -> None:
        """Ask every callback, and put what they said in the place of what they said before."""
        said: list[tuple[Any, float]] = []
        for asking in self._ask:
            ask(f"the callback of {self.instrument.name}", self._take, asking(options), said)
        if len(self.cells) >= Limits.cardinality:
            self._make_room({id(cell) for cell, _ in said})
        self.untouch()
        adds = self.instrument.kind != GAUGE
        for cell, value in said:
            cell.put(value + cell.value if adds and cell.touched else value)

    def _take(self, observations: Iterator[Any], said: list[tuple[Any, float]]) -> None:
        """Take what one callback says, up to where it fails."""
        for observation in observations:
            value = self.number(observation.value)
            cell = self.find(observation.attributes) if value is not None else None
            if cell is not None and value is not None:
                said.append((cell, value))

    def _make_room(self, said: set[int]) -> None:
        """Forget the series that nobody speaks of any more."""
        for key in [key for key, cell in list(self.cells.items()) if id(cell) not in said]:
            self.retire(key)
        self.forget()


def _asking(callback: Any) -> Callable[[CallbackOptions], Iterator[Any]]:  # noqa: ANN401 - a function or a generator
    """Return a function that yields what a callback says; a generator is sent the options, after its first step."""
    begun = not hasattr(callback, "send")

    def asked(options: CallbackOptions) -> Iterator[Any]:
        nonlocal begun
        if hasattr(callback, "send"):
            if not begun:
                begun = True
                next(callback, None)
            try:
                said = callback.send(options)
            except StopIteration:
                return
        else:
            said = callback(options)
        yield from said

    return asked


class Observed(Protocol):
    """What is asked before each collection."""

    def observe(self, options: CallbackOptions) -> None:
        """Put the answers into cells."""


class Observer:
    """Asks all observables of the application, in a thread that outlives the patience of who wants to know."""

    def __init__(self) -> None:
        self._observed: list[Observed] = []
        self._thread: threading.Thread | None = None

    def add(self, observed: Observed) -> None:
        """Ask this one too from now on; what it says leaves though nothing else is ever recorded."""
        self._observed.append(observed)
        METRICS.asked = True
        if self not in METRICS.observers:
            METRICS.observers.append(self)
        running = pipeline.PIPELINE
        if running is not None and running.worker.awaited:
            running.worker.start()

    def clear(self) -> None:
        """Ask nobody any more."""
        self._observed = []
        METRICS.asked = False
        METRICS.observers[:] = [observer for observer in METRICS.observers if observer is not self]

    def __call__(self) -> None:
        """Ask, and wait a while for the answers; while somebody is still being asked, nobody is asked again."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            thread = threading.Thread(target=self._ask, args=(threading.get_native_id(),), name=_NAME, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # Python 3.12 starts no thread while it ends, and a sub-interpreter may have none
                self._ask_each()
                return
            self._thread = thread
        thread.join(_PATIENCE)
        if thread.is_alive():
            say(
                f"observable metrics were not answered within {_PATIENCE:g} s; they are exported later, or not at all",
                place="observables",
            )

    def _ask(self, starter: int) -> None:
        if threading.get_native_id() != starter:  # where gevent stands in for threads, they are one to the system
            guard("signal mask", leave_signals_to_the_application)
        CURRENT.set(Ambient(families=SUPPRESSED))
        self._ask_each()

    def _ask_each(self) -> None:
        options = CallbackOptions(_TIMEOUT_MILLIS)
        for observed in list(self._observed):
            guard("observe a metric", observed.observe, options)


OBSERVER = Observer()
"""What asks the observables of this process."""
