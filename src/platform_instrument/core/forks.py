"""What is called around a fork, without being held until the interpreter's very end.

What is registered with `os.register_at_fork` is never let go, and with a function goes whatever its module can reach: the
libraries that are patched, and through them the application. Their finalizers would run when standard output is gone.
"""

from __future__ import annotations

import os
import sys
from types import MethodType
from typing import TYPE_CHECKING
from weakref import WeakMethod, ref

if TYPE_CHECKING:
    from collections.abc import Callable

    Action = Callable[[], object]


def around_fork(*, before: Action | None = None, parent: Action | None = None, child: Action | None = None) -> None:
    """Call what is given before each fork, after it in the parent and after it in the child, each under guard.

    A function of a module, or a method of an object that is held elsewhere; ValueError for a function that no module has.
    """
    given = {"before": before, "after_in_parent": parent, "after_in_child": child}
    os.register_at_fork(**{when: _Weak(when, action) for when, action in given.items() if action is not None})


class _Weak:
    """Calls an action as long as it is there."""

    __slots__ = ("_action", "_place")

    def __init__(self, when: str, action: Action) -> None:
        self._place = f"fork, {when}"
        if isinstance(action, MethodType):
            self._action: Callable[[], Action | None] = WeakMethod(action)
            return
        if vars(sys.modules[action.__module__]).get(action.__qualname__) is not action:
            message = f"{action!r} would be gone at once: no module has it"
            raise ValueError(message)
        self._action = ref(action)

    def __call__(self) -> None:
        action = self._action()
        if action is not None:
            from platform_instrument.core.guard import guard  # loaded long ago; as a global of this module it would be held

            guard(self._place, action)
