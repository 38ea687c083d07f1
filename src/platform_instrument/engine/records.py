"""A method of `logging` that is given a record, which each line passes: its result is changed, and nothing is made of the call.

What `EditResult` does in general, at a third of the price. Source: logging/__init__.py `Handler.format`, `Filterer.filter`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import absorb
from platform_instrument.engine.frames import dressed, housed, unseen
from platform_instrument.engine.journal import static

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes

    Making = Callable[[Any, Any, Any], Any]
    """From the instance, the record and the result to another result, None for the same."""

_with_traceback = BaseException.with_traceback


def on_record(  # noqa: PLR0913 - what a change is
    changes: Changes,
    owner: Any,  # noqa: ANN401 - a class
    name: str,
    place: str,
    making: Making,
    spare: Any = None,  # noqa: ANN401 - what the method returns
) -> None:
    """Change what a method returns; `place` is what a fault is counted under.

    `spare` is returned where nothing can be made, as with no room on the stack or at the interpreter's end; None for what the
    method itself returned.
    """
    original = static(owner, name)
    wrapper, stop = _changing(original, place, making, spare)
    changes.replace(owner, name, dressed(housed(wrapper, original), original))
    changes.on_undo(stop)


@unseen
def _changing(
    function: Callable[..., Any],
    place: str,
    making: Making,
    spare: Any,  # noqa: ANN401 - as above
) -> tuple[Callable[..., Any], Callable[[], None]]:
    """Return what takes the place of the method, with its own arguments, and what stops it where it cannot be taken out."""
    changed = making

    def wrapper(self: Any, record: Any) -> Any:  # noqa: ANN401 - as the original
        try:
            result = function(self, record)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        try:
            made = changed(self, record, result)
        except RecursionError:  # the application's stack is nearly used up: nothing can be called here
            return result if spare is None else spare
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb(place, fault)
            return result if spare is None else spare
        return result if made is None else made

    def stop() -> None:
        nonlocal changed
        changed = _same

    return wrapper, stop


def _same(_self: Any, _record: Any, _result: Any) -> None:  # noqa: ANN401 - as above
    return None
