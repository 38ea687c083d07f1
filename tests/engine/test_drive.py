from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import functools
import gc
import inspect
import logging
import pickle
import signal
import sys
import threading
import traceback
import warnings
import weakref
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from platform_instrument.core import report
from platform_instrument.core.guard import faults
from platform_instrument.engine import blocks
from platform_instrument.telemetry.context import CURRENT
from tests.engine import orders
from tests.engine.observing import installed, target
from tests.strikes import HANDLERS, StruckError, handled, until_struck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platform_instrument.testing.recorder import Recorder

EVERY = (
    target("place"),
    target("place_later"),
    target("place_the_old_way"),
    target("items"),
    target("items_later"),
    target("basket", context_manager=True),
    target("new_basket", context_manager=True),
)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with installed(*EVERY) as recorder:
        yield recorder
    assert CURRENT.get() is None


# --- the application's call -----------------------------------------------------------------------------------------


def test_a_call_is_made_once_and_answers_as_without_us(recorder: Recorder) -> None:
    assert orders.place("tea", amount=2) == "2 tea"
    assert orders.CALLS == [("tea", 2)]
    (span,) = recorder.spans
    assert (span.name, span.kind, span.status) == ("order", "CLIENT", "UNSET")
    assert span.attributes == {"order.kind": "toy", "order.arguments": 2, "order.answer": "2 tea"}
    assert recorder.durations("orders.duration") == {(("order.kind", "toy"),): 1}


def test_a_coroutine_is_made_once_and_covered_until_it_is_done(recorder: Recorder) -> None:
    assert asyncio.run(orders.place_later("tea")) == "1 tea"
    assert orders.CALLS == [("tea", 1)]
    (span,) = recorder.spans
    assert span.attributes["order.answer"] == "1 tea"


def test_a_plain_function_around_a_coroutine_function_stays_plain_and_is_covered_until_it_is_done(recorder: Recorder) -> None:
    assert not inspect.iscoroutinefunction(orders.place_the_old_way)
    assert asyncio.run(orders.place_the_old_way("tea")) == "1 tea"
    (span,) = recorder.spans  # the inner coroutine function belongs to the same family
    assert span.attributes["order.answer"] == "1 tea"


def test_the_same_exception_object_leaves(recorder: Recorder) -> None:
    with pytest.raises(orders.OrderError) as raised:
        orders.place("error")
    with pytest.raises(orders.OrderError):
        asyncio.run(orders.place_later("error"))
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert [span.status for span in recorder.spans] == ["ERROR", "ERROR"]
    assert [span.attributes["error.type"] for span in recorder.spans] == ["tests.engine.orders.OrderError"] * 2
    assert recorder.durations("orders.duration") == {(("error.type", "tests.engine.orders.OrderError"), ("order.kind", "toy")): 2}


def test_an_exception_that_refuses_attributes_leaves_as_it_is(recorder: Recorder) -> None:
    with pytest.raises(orders.FrozenError):
        orders.place("frozen")
    assert len(recorder.spans) == 1


def frames(error: BaseException) -> list[str]:
    return [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]


def failing(call: Any) -> BaseException:
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError


def _wrong_arguments() -> None:
    orders.place()  # type: ignore[call-arg]


async def _refused() -> None:
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(orders.basket("refused"))


FAILURES = {
    "plain": lambda: orders.place("error"),
    "wrong arguments": _wrong_arguments,
    "coroutine": lambda: asyncio.run(orders.place_later("error")),
    "generator": lambda: list(orders.items("a", "error")),
    "async generator": lambda: asyncio.run(_drain(orders.items_later("a", "error"))),
    "block that refuses": lambda: orders.basket("refused").__enter__(),
    "block left by an error": lambda: _raise_inside(orders.basket("tea")),
}


async def _drain(items: Any) -> list[str]:
    return [item async for item in items]


def _raise_inside(block: Any) -> None:
    with block:
        raise orders.OrderError


@pytest.mark.skipif(sys.version_info < (3, 11), reason="CPython 3.10 puts the frame back when an exception is raised anew")
@pytest.mark.parametrize("kind", FAILURES)
def test_a_traceback_holds_the_frames_of_the_application_and_no_other(kind: str) -> None:
    plain = frames(failing(FAILURES[kind]))
    with installed(*EVERY):
        assert frames(failing(FAILURES[kind])) == plain


@pytest.mark.parametrize("kind", FAILURES)
def test_a_traceback_ends_where_the_application_raised(kind: str) -> None:
    plain = failing(FAILURES[kind])
    with installed(*EVERY):
        ours = failing(FAILURES[kind])
    assert type(ours) is type(plain)
    assert str(ours) == str(plain)
    assert _theirs(ours) == _theirs(plain)


def _theirs(error: BaseException) -> list[str]:
    """Return the application's frames: CPython 3.10 has some of ours between them, never instead of them."""
    return [name for name in frames(error) if name not in {"wrapper", "_resumed", "_enter", "_exit"}]


# --- faults of ours -------------------------------------------------------------------------------------------------


def broken(*_: Any) -> Any:
    raise ZeroDivisionError


def _uses() -> list[Any]:
    """Use every kind of function, well and badly; the answers."""

    async def later() -> list[Any]:
        answers: list[Any] = [await orders.place_later("tea"), await _drain(orders.items_later("a", "b"))]
        with pytest.raises(orders.OrderError):
            await orders.place_later("error")
        async with orders.new_basket(3) as inside:
            answers.append(len(inside))
        return answers

    answers: list[Any] = [orders.place("tea", amount=4), list(orders.items("a", "b")), *asyncio.run(later())]
    with pytest.raises(orders.OrderError):
        orders.place("error")
    with orders.basket("forgiving") as item:
        answers.append(item)
        raise orders.OrderError
    return answers  # type: ignore[unreachable] # the basket forgives


@pytest.mark.faults
@pytest.mark.parametrize("part", ["begin", "end", "error", "carrier"])
def test_a_fault_in_any_part_of_ours_is_invisible_counted_and_said_once(part: str, capfd: pytest.CaptureFixture[str]) -> None:
    orders.CALLS.clear()
    plain, called = _uses(), list(orders.CALLS)
    report.forget()
    every = [target(patch.target.partition(":")[2], context_manager=patch.context_manager, **{part: broken}) for patch in EVERY]
    with installed(*every) as recorder:
        assert _uses() == plain
        assert called == orders.CALLS
        spans = recorder.spans
    counted = {fault.place.rpartition(":")[2]: fault.count for fault in faults()}
    said = capfd.readouterr().err.splitlines()
    assert counted
    assert len(said) == len(counted)
    assert all(line.startswith("platform-instrument: contained a fault of ours in orders tests.engine.orders:") for line in said)
    assert counted["place"] == (1 if part in {"end", "error"} else 2)
    assert len(spans) == (0 if part == "begin" else 8)


@pytest.mark.faults
@pytest.mark.parametrize("answer", [[1, 2], 7, {"unhashable": []}, object()])
def test_an_end_that_answers_nonsense_costs_its_attributes_not_the_span(answer: Any) -> None:
    with installed(target("place", end=lambda _call, _result: answer)) as recorder:
        assert orders.place("tea") == "1 tea"
        assert len(recorder.spans) == 1
    assert CURRENT.get() is None


def test_a_time_limit_of_the_application_that_strikes_inside_our_code_is_not_swallowed() -> None:
    def strike(_number: int, _frame: Any) -> None:
        raise TimeoutError

    def interrupted(_call: Any) -> None:
        signal.raise_signal(signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, strike)
    try:
        with installed(target("place", begin=interrupted)), pytest.raises(TimeoutError):
            orders.place("tea")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert faults() == ()


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("arguments", list(HANDLERS))
@pytest.mark.parametrize("name", ["place", "place_later", "items", "basket"])
def test_a_time_limit_that_strikes_anywhere_reaches_the_application_and_leaves_nothing_current(
    name: str, arguments: str, recorder: Recorder
) -> None:
    use: dict[str, Callable[[], object]] = {
        "place": lambda: orders.place("tea"),
        "place_later": lambda: stepped(orders.place_later("tea")),
        "items": lambda: list(orders.items(2)),
        "basket": lambda: entered(orders.basket("tea")),
    }
    leaks = swallowed = 0
    with handled(arguments):
        for _ in range(400):
            try:
                until_struck(use[name])
                swallowed += 1
            except StruckError as error:
                where = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
            leaks += CURRENT.get() is not None and where[-2] not in {"_exit", "end"}  # it may strike before their first line
            CURRENT.set(None)
            recorder.clear()
            orders.CALLS.clear()
    assert max(leaks, swallowed) <= 8  # a signal may come where no `try` can be, or while a generator is collected
    assert faults() == ()


def stepped(coroutine: Any) -> None:
    with contextlib.suppress(StopIteration):
        while True:
            coroutine.send(None)


def entered(block: Any) -> None:
    with block:
        pass


def test_an_application_that_uses_up_its_stack_gets_its_own_error_and_no_fault_is_counted(recorder: Recorder) -> None:
    depths: list[int] = []

    def dive(depth: int) -> None:
        depths.append(depth)
        orders.place("tea")
        dive(depth + 1)

    for limit in range(200, 230):
        limit_before = sys.getrecursionlimit()
        try:
            sys.setrecursionlimit(len(inspect.stack(0)) + limit)
            with pytest.raises(RecursionError):
                dive(0)
        finally:
            sys.setrecursionlimit(limit_before)
        assert CURRENT.get() is None
    assert len(orders.CALLS) >= len(depths) - 30
    assert recorder.spans
    assert faults() == ()


# --- asyncio --------------------------------------------------------------------------------------------------------


def test_a_cancelled_call_ends_its_span_once_and_gives_the_context_back(recorder: Recorder) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(orders.place_later("hang"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(orders.place_later("hang"), 0.01)
        assert CURRENT.get() is None
        assert await orders.place_later("tea") == "1 tea"

    asyncio.run(main())
    assert [span.attributes.get("error.type") for span in recorder.spans] == ["asyncio.exceptions.CancelledError"] * 2 + [None]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="task groups came with Python 3.11")
def test_calls_of_a_task_group_are_siblings_and_end_with_it(recorder: Recorder) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined] # checked as Python 3.10
            group.create_task(orders.place_later("hang"))
            group.create_task(orders.place_later("tea"))
            group.create_task(orders.place_later("error"))

    with pytest.raises(BaseExceptionGroup) as raised:  # type: ignore[name-defined] # noqa: F821 - Python 3.11
        asyncio.run(main())
    assert [type(error) for error in raised.value.exceptions] == [orders.OrderError]
    assert sorted(str(span.attributes.get("error.type")) for span in recorder.spans) == [
        "None",
        "asyncio.exceptions.CancelledError",
        "tests.engine.orders.OrderError",
    ]
    assert {span.parent_id for span in recorder.spans} == {""}


def test_concurrent_calls_do_not_become_each_others_children(recorder: Recorder) -> None:
    async def main() -> None:
        await asyncio.gather(*[orders.place_later(f"tea {number}") for number in range(20)])

    asyncio.run(main())
    assert len(recorder.spans) == 20
    assert {span.parent_id for span in recorder.spans} == {""}


def test_a_task_that_outlives_the_call_it_was_started_in_is_observed() -> None:
    async def main() -> None:
        async def background() -> None:
            await asyncio.sleep(0.01)
            await orders.place_later("tea")

        tasks = []

        def start(*_: Any, **__: Any) -> None:
            tasks.append(asyncio.ensure_future(background()))

        with mock.patch.object(orders.log, "warning", start):
            orders.place("log")
        await tasks[0]

    with installed(target("place"), target("place_later")) as recorder:
        asyncio.run(main())
        assert [span.attributes["order.answer"] for span in recorder.spans] == ["1 log", "1 tea"]


def test_a_context_copied_into_a_thread_keeps_the_parent_and_leaves_ours_alone(recorder: Recorder) -> None:
    async def main() -> None:
        async with orders.new_basket() as _:
            assert await asyncio.to_thread(CURRENT.get) is CURRENT.get()
            with concurrent.futures.ThreadPoolExecutor() as pool:
                copied = contextvars.copy_context()
                parent = pool.submit(copied.run, CURRENT.get).result()
                assert parent is CURRENT.get()
                assert pool.submit(CURRENT.get).result() is None

    asyncio.run(main())
    assert len(recorder.spans) == 1


# --- generators -----------------------------------------------------------------------------------------------------


def test_a_generator_is_driven_as_without_us(recorder: Recorder) -> None:
    generator = orders.items("a", "b", "c")
    assert next(generator) == "a"
    assert CURRENT.get() is None
    assert generator.send("!") == "b!"
    assert generator.throw(orders.OrderError("x")) == "c after x"
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == 3
    assert orders.CALLS == [("a", "b", "c"), "closed"]
    (span,) = recorder.spans
    assert span.status == "UNSET"


def test_an_async_generator_is_driven_as_without_us(recorder: Recorder) -> None:
    async def main() -> None:
        generator: Any = orders.items_later("a", "b")
        assert await generator.__anext__() == "a"
        assert CURRENT.get() is None
        assert await generator.athrow(orders.OrderError("x")) == "caught"
        assert await generator.asend(None) == "b"
        with pytest.raises(StopAsyncIteration):
            await generator.__anext__()

    asyncio.run(main())
    assert len(recorder.spans) == 1


def test_a_generator_that_fails_or_is_closed_ends_its_span_once(recorder: Recorder) -> None:
    with pytest.raises(orders.OrderError):
        list(orders.items("a", "error"))
    closed = orders.items("a", "b")
    next(closed)
    closed.close()
    orders.items("never begun").close()
    assert [span.status for span in recorder.spans] == ["ERROR", "UNSET"]
    assert orders.CALLS.count("closed") == 2


def test_a_generator_left_unfinished_ends_in_whatever_context_it_is_collected(recorder: Recorder) -> None:
    generator = contextvars.Context().run(lambda: orders.items("a", "b"))
    contextvars.Context().run(next, generator)
    thread = threading.Thread(target=generator.close)
    thread.start()
    thread.join()
    abandoned = orders.items("a", "b")
    next(abandoned)
    del abandoned
    gc.collect()
    assert len(recorder.spans) == 2
    assert orders.CALLS.count("closed") == 2


def test_an_async_generator_left_unfinished_ends_when_the_loop_closes_it(recorder: Recorder) -> None:
    async def main() -> None:
        async for _ in orders.items_later("a", "b"):
            break
        gc.collect()
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert len(recorder.spans) == 1
    assert orders.CALLS == [("a", "b"), "closed"]


def test_an_exception_thrown_into_a_generator_leaves_no_cycle(recorder: Recorder) -> None:
    gc.disable()
    try:
        error = orders.OrderError("x")
        gone = weakref.ref(error)
        generator = orders.items("a", "b", "c")
        next(generator)
        generator.throw(error)
        generator.close()
        del error, generator
        assert gone() is None
    finally:
        gc.enable()
    assert len(recorder.spans) == 1


# --- blocks ---------------------------------------------------------------------------------------------------------


def test_a_block_passes_for_the_original_and_covers_what_happens_inside(recorder: Recorder) -> None:
    basket = orders.new_basket(3)
    assert isinstance(basket, orders.Basket)
    assert len(basket) == 3
    basket.size = 4
    assert len(basket) == basket.size == 4
    assert not callable(basket)
    assert not hasattr(type(basket), "__await__")
    with basket as inside:
        assert type(inside) is orders.Basket
        span = CURRENT.get()
        assert span is not None
        with orders.basket("nested, of the same family"):
            assert CURRENT.get() is span
    assert CURRENT.get() is None
    assert len(recorder.spans) == 1


def test_a_block_entered_again_inside_itself_is_one_call_in_flight(recorder: Recorder) -> None:
    basket = orders.new_basket()
    with basket, basket:
        pass
    with basket:
        pass
    assert len(recorder.spans) == 2


def test_a_block_whose_class_lists_what_it_does_not_have_is_one_all_the_same() -> None:
    class Listing(type):
        def __dir__(cls) -> list[str]:
            return [*super().__dir__(), "__absent__"]

    class Block(metaclass=Listing):
        def __enter__(self) -> int:
            return 1

        def __exit__(self, *_raised: object) -> None:
            return

    stand_in = blocks._class_for(Block)
    assert (stand_in.__name__, hasattr(stand_in, "__absent__")) == ("Block", False)


def test_a_block_that_fails_says_so_and_one_that_forgives_too(recorder: Recorder) -> None:
    with pytest.raises(orders.OrderError), orders.basket("tea"):
        raise orders.OrderError
    with orders.basket("forgiving"):
        raise orders.OrderError
    with pytest.raises(orders.OrderError), orders.basket("refused"):
        raise AssertionError
    assert [span.attributes["error.type"] for span in recorder.spans] == ["tests.engine.orders.OrderError"] * 3


# --- what the application can see -----------------------------------------------------------------------------------


NAMES = [patch.target.partition(":")[2] for patch in EVERY]


@pytest.mark.parametrize("name", NAMES)
def test_a_patched_function_looks_like_the_original(name: str) -> None:
    original = getattr(orders, name)
    seen = _looks(original)
    with installed(*EVERY):
        patched = getattr(orders, name)
        assert patched is not original
        assert _looks(patched) == seen
        assert inspect.unwrap(patched) is inspect.unwrap(original)
        assert pickle.loads(pickle.dumps(patched)) is patched  # noqa: S301 - our own
        assert mock.create_autospec(patched) is not None
        assert functools.partial(patched).func is patched
        assert inspect.isfunction(patched)
    assert getattr(orders, name) is original


def _looks(function: Any) -> tuple[Any, ...]:
    return (
        function.__name__,
        function.__qualname__,
        function.__module__,
        function.__doc__,
        function.__annotations__,
        inspect.signature(function),
        inspect.iscoroutinefunction(function),
        inspect.isgeneratorfunction(function),
        inspect.isasyncgenfunction(function),
        asyncio.iscoroutinefunction(function) if sys.version_info < (3, 14) else None,
        inspect.getsource(function),
    )


def test_autospec_still_refuses_wrong_arguments(recorder: Recorder) -> None:
    with mock.patch("tests.engine.orders.place", autospec=True) as place:
        place("tea")
        with pytest.raises(TypeError):
            place()
    assert orders.place("tea") == "1 tea"
    assert len(recorder.spans) == 1


def test_methods_are_bound_as_the_originals_are() -> None:
    store, branch = orders.Store(), orders.Branch()
    patches = [target(f"Store.{name}") for name in ("sell", "open", "named", "length")] + [target("Branch.sell")]
    with installed(*patches, family=0) as recorder:
        assert (store.sell("tea"), branch.sell("tea")) == ("Store sells tea", "Branch sells tea")
        assert (store.open("today"), orders.Store.open("today")) == ("open today", "open today")
        assert (branch.named("north"), orders.Store.named("south")) == ("Branch north", "Store south")
        assert store.length("four") == 4
        assert orders.Store.sell(store, "tea") == "Store sells tea"
        assert pickle.loads(pickle.dumps(orders.Store.named))("x") == "Store x"  # noqa: S301 - our own
        assert len(recorder.spans) == 10  # a branch sells by two patched methods

        class Mine(orders.Branch):
            def sell(self, item: str) -> str:
                return f"mine: {super().sell(item)}"

        assert Mine().sell("tea") == "mine: Mine sells tea"
    assert "sell" not in vars(orders.Branch)


def test_a_warning_points_at_the_line_of_the_application(recorder: Recorder) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        orders.place("warn")
        line = sys._getframe().f_lineno - 1
    assert [(warning.filename, warning.lineno) for warning in caught] == [(__file__, line)]
    assert len(recorder.spans) == 1


@pytest.mark.skipif(sys.version_info < (3, 11), reason="CPython 3.10 counts every frame, whoever it belongs to")
def test_a_log_record_points_at_the_line_of_the_application(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        orders.place("log")
        line = sys._getframe().f_lineno - 1
    assert [(record.pathname, record.lineno) for record in caplog.records] == [(__file__, line)]
    assert len(recorder.spans) == 1
