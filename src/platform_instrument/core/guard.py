"""The one place that catches `Exception`: a fault of ours is contained, counted and said, and nobody else notices.

The application's own call is never made in here. Start path: imports only what a bare interpreter already has.
"""

from __future__ import annotations

from sys import is_finalizing

from platform_instrument.core.report import say

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

_MOST_PLACES = 256


class Fault:
    """A bug of ours that was contained: where, which exception, how often."""

    __slots__ = ("count", "error", "place")

    def __init__(self, place: str, error: str) -> None:
        self.place = place
        self.error = error
        self.count = 0

    def __repr__(self) -> str:
        return f"Fault({self.place!r}, {self.error!r}, count={self.count})"


_faults: dict[str, Fault] = {}
_listeners: list[Callable[[str], None]] = []


def guard(place: str, function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R | None:
    """Return `function(*arguments)`, or None when it raised an `Exception`, which is then counted and said once a minute."""
    try:
        return function(*arguments, **options)
    except RecursionError:  # the application's stack is nearly used up: nothing can be called here, and nothing is at fault
        return None
    except Exception as error:  # the one place
        if _interrupted(error):
            raise
        contain(place, error)
        return None


def ask(place: str, function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R | None:
    """Return what a function of the application's returns, None when it raised an `Exception`, which is said to be its own."""
    try:
        return function(*arguments, **options)
    except RecursionError:  # as above
        return None
    except Exception as error:
        if not is_finalizing():
            say(f"{place} raised {type(error).__name__} at {_origin(error)}, and is left out this time", place=f"raised {place}")
        return None


def works(function: Callable[P, object], *arguments: P.args, **options: P.kwargs) -> bool:
    """Say whether a function of the application's can do this: what it raises is the answer, and nobody's fault."""
    try:
        function(*arguments, **options)
    except Exception as error:
        if _interrupted(error):
            raise
        return False
    return True


def absorb(place: str, error: BaseException) -> None:
    """Do with what code of ours raised as `guard` does: where calling it would cost as much as what it guards."""
    if not isinstance(error, Exception) or _interrupted(error):
        raise error
    if not isinstance(error, RecursionError):  # as above
        contain(place, error)


def _interrupted(error: BaseException) -> bool:
    """Say whether a signal handler of the application raised it while our code ran, which is known by its argument.

    A handler is called with the frame that it interrupts. Its exception is the application's: a time limit, mostly.
    The frame that catches is left out: it is no handler, and a look at its variables, the error among them, would make a cycle
    before Python 3.13, so that what the call was given would live until garbage is collected.
    """
    caught = error.__traceback__
    step = None if caught is None else caught.tb_next
    while step is not None:
        below = step.tb_frame.f_back
        if below is not None and any(_holds(value, below) for value in step.tb_frame.f_locals.values()):
            return True
        step = step.tb_next
    return False


def _holds(value: object, frame: object) -> bool:
    """Say whether an argument is the frame, or holds it as those of `def handler(*arguments)` do."""
    return value is frame or (type(value) is tuple and any(item is frame for item in value))


def contain(place: str, error: BaseException) -> None:
    """Count a fault that happened at `place` and say it, once a minute a place. Never raises.

    While the interpreter ends nothing can be imported and modules are emptied: what fails then is no fault.
    """
    if is_finalizing():
        return
    try:
        kind = type(error).__name__
        fault = _faults.get(place)
        if fault is None:
            if len(_faults) >= _MOST_PLACES:
                return
            fault = _faults.setdefault(place, Fault(place, kind))
        fault.count += 1
        fault.error = f"{kind} at {_origin(error)}"
        say(f"contained a fault of ours in {place}: {fault.error}; the application is unharmed", place=f"fault {place}")
        for listener in tuple(_listeners):
            listener(place)
    except Exception as second:  # a listener or a hostile exception class: there is nothing left but the count
        _faults.setdefault("guard", Fault("guard", type(second).__name__)).count += 1


def _origin(error: BaseException) -> str:
    """Name file and line where the fault was raised; never its message, which may hold the application's data."""
    step = error.__traceback__
    where = "unknown"
    while step is not None:
        where = f"{step.tb_frame.f_code.co_filename.rpartition('/')[2]}:{step.tb_lineno}"
        step = step.tb_next
    return where


def on_fault(listener: Callable[[str], None]) -> None:
    """Call `listener(place)` after each contained fault: an instrumentation that faults again and again is undone."""
    _listeners.append(listener)


def faults() -> tuple[Fault, ...]:
    """Return every fault contained in this process so far, one an origin."""
    return tuple(_faults.values())


def clear_faults() -> None:
    """Forget all faults: for tests and for a freshly forked child."""
    _faults.clear()
