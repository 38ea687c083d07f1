from __future__ import annotations

import importlib
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import wrapt

from platform_instrument.config.read import read
from platform_instrument.core import report
from platform_instrument.core.guard import faults
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation, Observe
from platform_instrument.engine import apply, imports
from tests.engine import orders
from tests.engine.observing import begin, installed, target

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _nothing_applied(monkeypatch: pytest.MonkeyPatch, armed_finder: None) -> None:  # noqa: ARG001 - what it arms
    monkeypatch.setattr(apply, "APPLIED", {})
    report.forget()


@pytest.fixture
def shop(write: Any) -> str:
    """A library of two modules, one of which is imported on demand."""
    write("shop/__init__.py", "__version__ = '2.5.1'\nfrom shop import sync\n")
    write("shop/sync.py", "def sell(item): return item\nclass Shop:\n    def sell(self, item): return item\n")
    write("shop/later.py", "async def sell(item): return item\n")
    return "shop"


def instrumentation(*patches: Any, requires: str = "shop>=2,<3") -> Instrumentation:
    return Instrumentation(name="shop", requires=requires, patches=patches)


SYNC = Observe("shop.sync:sell", begin)
METHOD = Observe("shop.sync:Shop.sell", begin)
LATER = Observe("shop.later:sell", begin)


def test_modules_are_patched_as_they_are_imported_and_none_is_imported_for_it(shop: str) -> None:
    applied = apply.install(instrumentation(SYNC, METHOD, LATER))
    assert (applied.status, "shop" in sys.modules) == ("waiting", False)
    sync = importlib.import_module(f"{shop}.sync")
    assert (applied.status, applied.version) == ("patched", "2.5.1")
    assert hasattr(sync.sell, "__wrapped__")
    assert "shop.later" not in sys.modules
    assert imports.waiting() == ("shop.later",)
    assert hasattr(importlib.import_module("shop.later").sell, "__wrapped__")
    assert applied.journal.changed == ["shop.sync:sell", "shop.sync:Shop.sell", "shop.later:sell"]


@pytest.mark.parametrize(
    "missing",
    [Observe("shop.later:absent", begin), Observe("shop.later:Absent.sell", begin), Observe("shop.later:__doc__", begin)],
)
def test_a_missing_required_target_in_a_later_module_undoes_all(shop: str, missing: Observe, capfd: Any) -> None:
    applied = apply.install(instrumentation(SYNC, METHOD, LATER, missing))
    sync = importlib.import_module(f"{shop}.sync")
    later = importlib.import_module("shop.later")
    assert applied.status == "does not fit"
    assert not hasattr(sync.sell, "__wrapped__")
    assert not hasattr(sync.Shop.sell, "__wrapped__")
    assert not hasattr(later.sell, "__wrapped__")
    assert capfd.readouterr().err.startswith("platform-instrument: shop is not instrumented: ")


def test_what_is_undone_while_another_thread_still_patches_is_undone_in_full(shop: str) -> None:
    at_work, undone = threading.Event(), threading.Event()

    def slowly(changes: Any) -> None:
        at_work.set()
        assert undone.wait(5)
        changes.replace(sys.modules["shop.sync"], "sell", None)

    applied = apply.install(instrumentation(Custom("shop.sync", slowly), Observe("shop.later:missing", begin)))
    importing = threading.Thread(target=importlib.import_module, args=(f"{shop}.sync",))
    importing.start()
    assert at_work.wait(5)
    apply._apply(applied, [Observe("shop.later:missing", begin)], sys)  # as the import of another module does
    undone.set()
    importing.join()
    assert applied.status == apply.UNFIT
    assert sys.modules["shop.sync"].sell("tea") == "tea"
    assert applied.journal.changed == []


def test_a_missing_optional_target_leaves_the_rest(shop: str, capfd: Any) -> None:
    applied = apply.install(instrumentation(SYNC, Observe("shop.sync:absent", begin, optional=True)))
    sync = importlib.import_module(f"{shop}.sync")
    assert applied.status == "patched"
    assert sync.sell("tea") == "tea"
    assert capfd.readouterr().err == ""


@pytest.mark.faults
def test_a_patch_of_ours_that_fails_undoes_all_and_is_a_fault(shop: str) -> None:
    def fail(_changes: Any) -> None:
        raise ZeroDivisionError

    applied = apply.install(instrumentation(SYNC, Custom("shop.sync", fail)))
    sync = importlib.import_module(f"{shop}.sync")
    assert applied.status == "does not fit"
    assert applied.reason.startswith("ZeroDivisionError at test_apply.py:")
    assert not hasattr(sync.sell, "__wrapped__")
    assert [fault.place for fault in faults()] == ["shop patch"]


def test_a_class_or_a_property_is_never_wrapped() -> None:
    for name in ("Store", "Store.stock", "Store.rate"):
        with installed(target(name)):
            assert apply.APPLIED["orders"].status == "does not fit"
    assert not faults()


@pytest.mark.parametrize(
    ("requires", "doubt"),
    [
        ("shop>=2,<3", ""),
        ("shop>=2.5.1,<2.6", ""),
        ("shop>=2,<2.5", "version 2.5.1 is newer than those tested (shop>=2,<2.5)"),
        ("shop>=3", "version 2.5.1 is older than those tested (shop>=3)"),
        ("shop>=2.10", "version 2.5.1 is older than those tested (shop>=2.10)"),
    ],
)
def test_a_version_that_was_never_tested_is_patched_and_said_once(shop: str, requires: str, doubt: str, capfd: Any) -> None:
    applied = apply.install(instrumentation(SYNC, LATER, requires=requires))
    importlib.import_module(shop)
    importlib.import_module("shop.later")
    assert (applied.status, applied.doubt) == ("patched", doubt)
    said = capfd.readouterr().err
    assert said == (f"platform-instrument: shop is instrumented, but {doubt}\n" if doubt else "")


@pytest.mark.parametrize(
    ("body", "folder", "version"),
    [
        ("VERSION = (4, 2, 1, 'final')", None, "4.2.1"),
        ("VERSION = (4, 2, 0); __version__ = '4.2'", "shop-9.0.1.dist-info", "4.2"),
        ("VERSION = (4, 2, 1); __version__ = '2.2.8'", "shop-4.2.1.dist-info", "4.2.1"),
        ("VERSION = (4, 2, 1); __version__ = '2.2.8'", None, "2.2.8"),
        ("", "shop-9.0.1.dist-info", "9.0.1"),
        ("", "Shop-0.7.egg-info", "0.7"),
        ("def __getattr__(name): raise AssertionError(name)", "shop-1.0.dist-info", "1.0"),
        ("", None, ""),
        ("__version__ = None", None, ""),
    ],
)
def test_the_version_is_told_without_asking_the_library(
    write: Any, tmp_path: Path, body: str, folder: str | None, version: str
) -> None:
    write("shop/__init__.py", body)
    if folder:
        (tmp_path / folder).mkdir()
    module = importlib.import_module("shop")
    assert apply.version_of(module, "shop>=1") == version


# --- undo -----------------------------------------------------------------------------------------------------------


def test_undo_restores_the_very_objects_and_deletes_what_was_inherited() -> None:
    before = {name: vars(orders.Store).get(name) for name in ("sell", "open", "named", "length")}
    order = list(vars(orders.Store))
    patches = [target(f"Store.{name}") for name in before]
    with installed(*patches, target("Branch.sell"), target("Branch.named"), target("place")):
        assert "sell" in vars(orders.Branch)
    assert {name: vars(orders.Store).get(name) for name in before} == before
    assert all(vars(orders.Store)[name] is value for name, value in before.items())
    assert list(vars(orders.Store)) == order
    assert not {"sell", "named"} & set(vars(orders.Branch))


@pytest.mark.parametrize("wrap", ["wrapt", "plain"])
def test_undo_where_somebody_wrapped_ours_meanwhile_makes_it_inert_and_keeps_theirs(wrap: str, monkeypatch: Any) -> None:
    seen: list[str] = []
    monkeypatch.setattr(orders, "place", orders.place)

    def edited(call: Any) -> None:
        seen.append("edited")
        call.args = ("coffee",)

    with installed(target("place"), EditCall("tests.engine.orders:place", edited)) as recorder:
        ours = orders.place
        if wrap == "wrapt":
            theirs: Any = wrapt.FunctionWrapper(ours, lambda wrapped, _, args, kwargs: wrapped(*args, **kwargs))
        else:

            def theirs(*args: Any, **kwargs: Any) -> Any:
                return ours(*args, **kwargs)

        orders.place = theirs
        assert orders.place("tea") == "1 coffee"
        assert len(recorder.take()) == len(seen) == 1
        apply.uninstall("orders")
        assert orders.place is theirs
        assert orders.place("tea") == "1 tea"
        assert recorder.spans == ()
        assert len(seen) == 1


def test_a_method_that_another_agent_wrapped_before_us_still_gets_its_instance(monkeypatch: Any) -> None:
    instances: list[Any] = []

    def noted(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        instances.append(instance)
        return wrapped(*args, **kwargs)

    for name in ("sell", "named", "open"):
        theirs = wrapt.FunctionWrapper(vars(orders.Store)[name], noted)
        monkeypatch.setattr(orders.Store, name, theirs)
    store = orders.Store()
    with installed(*[target(f"Store.{name}") for name in ("sell", "named", "open")], family=0) as recorder:
        assert store.sell("tea") == "Store sells tea"
        assert (orders.Branch.named("x"), store.named("y")) == ("Branch x", "Store y")
        assert (orders.Store.open("today"), store.open("today")) == ("open today", "open today")
        assert len(recorder.spans) == 5
    assert instances == [store, orders.Branch, orders.Store, None, None]


def test_a_reloaded_module_is_patched_anew_and_undone_exactly(shop: str) -> None:
    applied = apply.install(instrumentation(SYNC, METHOD))
    sync = importlib.import_module(f"{shop}.sync")
    first = sync.sell
    importlib.reload(sync)
    assert sync.sell is not first
    assert hasattr(sync.sell, "__wrapped__")
    assert not hasattr(sync.sell.__wrapped__, "__wrapped__")
    apply.uninstall("shop")
    assert not hasattr(sync.sell, "__wrapped__")
    assert not hasattr(sync.Shop.sell, "__wrapped__")
    assert applied.status == "undone"


def test_installing_twice_is_once_from_however_many_threads(shop: str) -> None:
    importlib.import_module(shop)
    declared = instrumentation(SYNC)
    start = threading.Barrier(8)

    def install() -> None:
        start.wait()
        apply.install(declared)

    threads = [threading.Thread(target=install) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sell = sys.modules["shop.sync"].sell
    assert not hasattr(sell.__wrapped__, "__wrapped__")
    apply.uninstall("shop")
    assert not hasattr(sys.modules["shop.sync"].sell, "__wrapped__")
    assert apply.install(declared).status == "patched"


@pytest.mark.faults
def test_an_instrumentation_that_faults_again_and_again_takes_its_patches_back(capfd: Any) -> None:
    def broken(_call: Any) -> None:
        raise ZeroDivisionError

    with installed(target("place", begin=broken)):
        for _ in range(apply.MOST_FAULTS + 5):
            assert orders.place("tea") == "1 tea"
        applied = apply.APPLIED["orders"]
        assert (applied.status, applied.reason) == ("undone", f"undone after {apply.MOST_FAULTS} faults")
        assert not hasattr(orders.place, "__wrapped__")
    assert [fault.count for fault in faults()] == [apply.MOST_FAULTS]
    assert len(capfd.readouterr().err.splitlines()) == 2


# --- arrival --------------------------------------------------------------------------------------------------------


def test_what_is_switched_off_is_neither_loaded_nor_patched(write: Any) -> None:
    write("ours_off.py", "raise AssertionError('loaded')\n")
    settings, _ = read({"PLATFORM_DISABLED_INSTRUMENTATIONS": "shop"})
    apply.arrived(settings, (("shop", "ours_off"),), sys)
    applied = apply.APPLIED["shop"]
    assert (applied.status, applied.reason) == ("off", "switched off by the settings")


@pytest.mark.faults
def test_an_instrumentation_that_cannot_be_loaded_does_not_keep_the_next_from_being_applied(write: Any, shop: str) -> None:
    write("ours_broken.py", "1 / 0\n")
    write(
        "ours_sound.py",
        """
        from platform_instrument.core.values import Instrumentation, Observe
        INSTRUMENTATION = Instrumentation("sound", "shop>=2", (Observe("shop.sync:sell", lambda call: None),))
        """,
    )
    settings, _ = read({})
    module = importlib.import_module(shop)
    with installed():
        apply.arrived(settings, (("broken", "ours_broken"), ("sound", "ours_sound")), module)
    assert apply.APPLIED["sound"].status == "patched"
    assert [fault.place for fault in faults()] == ["broken arrival"]


# --- edits ----------------------------------------------------------------------------------------------------------


def test_edits_change_arguments_and_results_of_functions_and_coroutines() -> None:
    import asyncio

    def amount(call: Any) -> None:
        call.kwargs["amount"] = 9

    def louder(_call: Any, result: str) -> str:
        return result.upper()

    names = ("place", "place_later")
    edits = [EditCall(f"tests.engine.orders:{name}", amount) for name in names]
    answers = [EditResult(f"tests.engine.orders:{name}", louder) for name in (*names, "place_the_old_way")]
    with installed(*edits, *answers):
        assert orders.place("tea") == "9 TEA"
        assert asyncio.run(orders.place_later("tea")) == "9 TEA"
        assert asyncio.run(orders.place_the_old_way("tea")) == "9 TEA"


@pytest.mark.faults
def test_an_edit_that_fails_half_way_leaves_the_call_as_it_was() -> None:
    import asyncio

    def half(call: Any) -> None:
        call.kwargs["amount"] = 9
        call.args = ()
        raise ZeroDivisionError

    def broken(_call: Any, _result: Any) -> Any:
        raise ZeroDivisionError

    names = ("place", "place_later")
    edits = [EditCall(f"tests.engine.orders:{name}", half) for name in names]
    answers = [EditResult(f"tests.engine.orders:{name}", broken) for name in names]
    with installed(*edits, *answers):
        assert orders.place("tea", amount=2) == "2 tea"
        assert asyncio.run(orders.place_later("tea", amount=2)) == "2 tea"
        with pytest.raises(orders.OrderError):
            orders.place("error")
        assert orders.CALLS == [("tea", 2), ("tea", 2), ("error", 1)]
    assert sum(fault.count for fault in faults()) == 5
