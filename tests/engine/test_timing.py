"""A call that is timed without a span: made once, unchanged, whatever the one who measures does."""

from __future__ import annotations

import asyncio
import gc
import inspect
import time
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.core.guard import clear_faults, faults
from platform_instrument.core.values import Time
from platform_instrument.engine import apply
from tests.engine import orders
from tests.engine.observing import installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Told = list[tuple[Any, ...]]

CALLS: dict[str, Callable[[str], Any]] = {
    "plain": lambda item: orders.place(item),  # noqa: PLW0108 - looked up when it is called
    "coroutine": lambda item: asyncio.run(orders.place_later(item)),
}
TARGETS = {"plain": "tests.engine.orders:place", "coroutine": "tests.engine.orders:place_later"}


@pytest.fixture(autouse=True)
def _no_faults() -> Iterator[None]:
    yield
    clear_faults()


def timing(told: Told, kind: str) -> Time:
    def end(began: float, result: Any, args: Any, kwargs: Any) -> None:
        told.append(("end", time.perf_counter() - began, result, args, kwargs))

    def error(began: float, raised: BaseException, args: Any, kwargs: Any) -> None:
        told.append(("error", time.perf_counter() - began, raised, args, kwargs))

    return Time(TARGETS[kind], end, error)


@pytest.mark.parametrize("kind", CALLS)
def test_what_a_call_returned_and_when_it_began_is_told_and_nothing_else_is_recorded(kind: str) -> None:
    told: Told = []
    with installed(timing(told, kind)) as recorder:
        before = time.perf_counter()
        assert CALLS[kind]("tea") == "1 tea"
        whole = time.perf_counter() - before
        assert recorder.spans == ()
    ((what, took, result, args, kwargs),) = told
    assert (what, result, args, kwargs) == ("end", "1 tea", ("tea",), {})
    assert 0 < took < whole
    assert len(orders.CALLS) == 1


@pytest.mark.parametrize("kind", CALLS)
def test_an_exception_is_told_and_leaves_as_it_is(kind: str) -> None:
    told: Told = []
    with installed(timing(told, kind)), pytest.raises(orders.OrderError) as raised:
        CALLS[kind]("error")
    assert [(what, error) for what, _, error, _, _ in told] == [("error", raised.value)]
    assert "wrapper" not in [entry.name for entry in raised.traceback]


@pytest.mark.parametrize("kind", CALLS)
def test_a_fault_of_the_one_who_measures_is_nobody_s_business(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    def fails(*_args: Any) -> None:
        message = "planted"
        raise ValueError(message)

    with installed(Time(TARGETS[kind], fails, fails)):
        assert CALLS[kind]("tea") == "1 tea"
        with pytest.raises(orders.OrderError):
            CALLS[kind]("error")
    assert [(fault.place, fault.count) for fault in faults()] == [(f"orders {TARGETS[kind]}", 2)]
    assert "planted" not in capfd.readouterr().err


@pytest.mark.parametrize("kind", CALLS)
def test_a_timed_function_looks_like_the_original(kind: str) -> None:
    name = TARGETS[kind].rpartition(":")[2]
    original = getattr(orders, name)
    with installed(timing([], kind)):
        patched = getattr(orders, name)
        assert patched is not original
        assert inspect.signature(patched) == inspect.signature(original)
        assert inspect.iscoroutinefunction(patched) == inspect.iscoroutinefunction(original)
    assert getattr(orders, name) is original


def test_undo_where_somebody_wrapped_ours_meanwhile_measures_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    told: Told = []
    monkeypatch.setattr(orders, "place", orders.place)
    with installed(timing(told, "plain")):
        ours = orders.place
        monkeypatch.setattr(orders, "place", lambda *args: ours(*args))  # noqa: PLW0108 - somebody else's wrapper
        apply.uninstall("orders")
        assert orders.place("tea") == "1 tea"
        with pytest.raises(orders.OrderError):
            orders.place("error")
    assert told == []


@pytest.mark.faults
@pytest.mark.parametrize("kind", CALLS)
def test_a_fault_keeps_nothing_of_the_call_alive(kind: str) -> None:
    class Item(str):
        __slots__ = ("__weakref__",)

    def broken(*_: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    with installed(Time(TARGETS[kind], broken, broken)):
        CALLS[kind](Item("tea"))
        gc.collect()
        gc.disable()
        try:
            item = Item("tea")
            gone = weakref.ref(item)
            CALLS[kind](item)
            orders.CALLS.clear()
            del item
            assert gone() is None
        finally:
            gc.enable()
    assert [fault.count for fault in faults()] == [2]
