"""The contract suite, used as somebody else would: it passes a sound instrumentation and tells what is wrong with another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.processes import run

if TYPE_CHECKING:
    from pathlib import Path

_SHOP = """
def sell(item):
    return item
class Shop:
    def sell(self, item, *, amount=1):
        return amount
"""

_SOUND = """
from platform_instrument.core.values import CLIENT, Custom, Instrument, Instrumentation, Observe, Operation
DURATION = Instrument("db.client.operation.duration", "", constant=("db.system.name",), varying=("error.type",), bounds=(1.0,))
OPERATION = Operation("sell", CLIENT, {"db.system.name": "shop"}, DURATION)
def begin(call):
    return OPERATION, {"server.port": 80}
INSTRUMENTATION = Instrumentation("shop", "shop>=1", (Observe("shop:sell", begin), Observe("shop:Shop.sell", begin)), modules=("shop",))
"""

_TESTS = """
import pytest
from platform_instrument.testing.contract import InstrumentationContract

class Contract(InstrumentationContract):
    def exercise(self):
        import shop
        shop.sell("tea")
        shop.Shop().sell("tea", amount=2)
"""

_CLASS = """
class Test_{name}(Contract):
    declared_in = "{name}"
"""

BROKEN = {
    "imports_no_library": ("DURATION =", "import shop\nDURATION ="),
    "target_is_a_function": ('"shop:sell"', '"shop:Shop"'),
    "what_it_records": ('"server.port": 80', '"server.port": "80"'),
    "undo_is_exact": (
        '(Observe("shop:sell", begin),',
        '(Observe("shop:sell", begin), Custom("shop", lambda changes: setattr(__import__("shop"), "sell", print)),',
    ),
}


def test_a_sound_instrumentation_passes_and_every_broken_promise_is_told(tmp_path: Path) -> None:
    declarations = {"sound": _SOUND}
    for promise, (sound, broken) in BROKEN.items():
        assert sound in _SOUND
        declarations[promise] = _SOUND.replace(sound, broken)
    tests = _TESTS + "".join(_CLASS.format(name=name) for name in declarations)
    for name, text in {"shop": _SHOP, "test_ours": tests, **declarations}.items():
        (tmp_path / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path]
    done = run(command, cwd=tmp_path, timeout=60, env={"PYTHONPATH": str(tmp_path)})
    told = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert not any("Test_sound" in line for line in told), done.stdout
    for promise in BROKEN:
        assert any(f"Test_{promise}::" in line and promise in line.partition("::test")[2] for line in told), (promise, told)
