"""What checks do to pools of connections is measured nowhere; where there are no checks, nothing looks whether there is one."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.engine.pools import Pools
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from collections.abc import Callable

_MEASURING = ("taken", "given_back", "made", "timed_out")


def leave_out_suppressed() -> None:
    """Measure from now on nothing of what is suppressed; twice is once."""
    for name in _MEASURING:
        method = getattr(Pools, name)
        if not hasattr(method, "__wrapped__"):
            setattr(Pools, name, _unless_suppressed(method))


def _unless_suppressed(method: Callable[..., None]) -> Callable[..., None]:
    @wraps(method)
    def measured(*arguments: Any) -> None:  # noqa: ANN401 - of the library
        current = CURRENT.get()
        if current is None or current.families != SUPPRESSED:
            method(*arguments)

    return measured
