"""Every metric of the runtime is one that the conventions of this project know, and asyncio's keeps the contract."""

from __future__ import annotations

import asyncio

from platform_instrument.core.values import Instrument
from platform_instrument.runtime import loops
from platform_instrument.runtime.metrics import container, garbage, libraries, process, threads
from platform_instrument.testing.contract import InstrumentationContract
from platform_instrument.testing.conventions import METRICS


class TestContract(InstrumentationContract):
    declared_in = "platform_instrument.instrumentations.std_asyncio"

    def exercise(self) -> None:
        asyncio.run(asyncio.sleep(0.01))


def test_what_is_declared_is_known_with_the_attributes_it_may_carry() -> None:
    modules = (container, garbage, libraries, loops, process, threads)
    declared = [value for module in modules for value in vars(module).values() if isinstance(value, Instrument)]
    assert len(declared) > 20
    assert {one.name: frozenset(one.constant) for one in declared} == {one.name: METRICS.get(one.name) for one in declared}
    assert all(one.observable for one in declared)
