"""excepthook: the traceback of what nobody catches, which the interpreter prints to standard error, is masked.

Only the interpreter's own hooks are replaced, `sys.excepthook` and `threading.excepthook`; those of the application and of
other libraries stay, and call ours where they call what was there before. What is printed is the same but for its values;
on a terminal it stays as it is. They are replaced once `logging` is there, as it is in every service.
Source: https://docs.python.org/3/library/sys.html#sys.excepthook; threading.py `excepthook`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, Instrumentation

if TYPE_CHECKING:
    from platform_instrument.core.values import Changes


def hooks(changes: Changes) -> None:
    """Put hooks in the place of the interpreter's own."""
    import threading  # which logging has loaded

    if sys.excepthook is sys.__excepthook__:
        changes.replace(sys, "excepthook", _of_the_program)
    if threading.excepthook is threading.__excepthook__:
        changes.replace(threading, "excepthook", _of_a_thread)


def _of_the_program(*raised: Any) -> None:  # noqa: ANN401 - type, exception, traceback
    from platform_instrument.telemetry.crashes import print_masked  # most programs end without

    print_masked(sys.__excepthook__, *raised)


def _of_a_thread(raised: Any) -> None:  # noqa: ANN401 - threading.ExceptHookArgs
    import threading

    from platform_instrument.telemetry.crashes import print_masked  # as above

    print_masked(threading.__excepthook__, raised)


INSTRUMENTATION = Instrumentation(
    name="excepthook",
    requires="python>=3.10,<3.16",
    patches=(Custom("logging", hooks),),
    modules=("logging",),
    settings=("log_mask",),
)
