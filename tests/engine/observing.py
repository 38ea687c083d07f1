"""Observation of the toy library: installed for the length of a block, with whatever begin, end and error a test plants."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import CLIENT, Instrument, Instrumentation, Observe, Operation
from platform_instrument.engine import apply
from platform_instrument.testing.recorder import Recorder, recording
from tests.engine import orders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.core.values import Call

FAMILY = 1 << 10
DURATION = Instrument(
    "orders.duration", "How long orders take.", constant=("order.kind",), varying=("error.type",), bounds=(1.0,)
)
OPERATION = Operation("order", CLIENT, {"order.kind": "toy"}, DURATION)


def begin(call: Call) -> Any:
    return OPERATION, {"order.arguments": len(call.args) + len(call.kwargs)}


def end(_call: Call, result: Any) -> Any:
    return {"order.answer": str(result)}


def target(name: str, **options: Any) -> Observe:
    return Observe(f"tests.engine.orders:{name}", **{"begin": begin, "end": end, **options})


@contextlib.contextmanager
def installed(*patches: Any, name: str = "orders", requires: str = "python>=3.10", family: int = FAMILY) -> Iterator[Recorder]:
    """Apply patches, record, undo."""
    orders.CALLS.clear()
    with recording() as recorder:
        apply.install(Instrumentation(name=name, requires=requires, patches=patches, family=family))
        try:
            yield recorder
        finally:
            apply.uninstall(name)
