"""Samples: taken of our own code alone, while a slice is open, and nothing of the clock is left in the engine between them."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import platform_instrument
from platform_instrument.engine import drive, scope
from platform_instrument.engine.timing import Timed
from platform_instrument.runtime.overhead import places as places_module
from platform_instrument.runtime.overhead import stopwatch as stopwatch_module
from platform_instrument.runtime.overhead.places import NAMES, name_of, places
from platform_instrument.runtime.overhead.stopwatch import Stopwatch
from platform_instrument.telemetry import limits, pipeline
from platform_instrument.telemetry.api import PROVIDER
from platform_instrument.telemetry.scope import InstrumentationScope, own_scope
from tests.engine import orders
from tests.engine.observing import OPERATION, installed, target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.core.values import Call

SLOW = 0.0002
"""Seconds that a library module of ours takes for a call, so that it is seen among all else."""


def slowly(_call: Call) -> Any:
    until = time.perf_counter() + SLOW
    while time.perf_counter() < until:
        pass
    return OPERATION


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stopwatch]:
    """Return one whose slices end with the test; this thread is not the worker's."""
    monkeypatch.setattr(stopwatch_module, "worker_ns", lambda: 0)
    made = Stopwatch()
    yield made
    made.renew()


def held() -> list[object]:
    return [getattr(owner, name) for owner, name, _, _ in places(with_worker=False) if not isinstance(owner, pipeline.Pipeline)]


def test_every_name_is_that_of_a_function_of_ours() -> None:
    for module, name, _, _ in NAMES:
        if module.startswith("instrumentations."):
            continue  # those import nothing but ours, too, and are loaded below
        assert callable(getattr(importlib.import_module(f"platform_instrument.{module}"), name)), (module, name)
    for module in {module for module, *_ in NAMES if module.startswith("instrumentations.")}:
        loaded = importlib.import_module(f"platform_instrument.{module}")
        assert all(callable(getattr(loaded, name)) for other, name, *_ in NAMES if other == module)


def test_wherever_the_engine_opens_and_closes_scopes_its_time_is_taken() -> None:
    for found in pkgutil.walk_packages(platform_instrument.__path__, "platform_instrument."):
        if found.name.split(".")[1] in {"engine", "web"}:
            importlib.import_module(found.name)
    of_scopes = {scope.enter: "enter", scope.open_call: "open_call", scope.leave: "leave", scope.fail: "fail"}
    missing = {
        (module.removeprefix("platform_instrument."), name)
        for module, loaded in list(sys.modules.items())
        if module.startswith("platform_instrument.") and module != scope.__name__
        for name, value in list(vars(loaded).items())
        if callable(value) and of_scopes.get(value) == name
    } - {(module, name) for module, name, *_ in NAMES}
    assert not missing


def test_nothing_is_exchanged_but_while_a_slice_is_open(stopwatch: Stopwatch) -> None:
    with installed(target("place")):
        before = held()
        stopwatch.open()
        assert not set(map(id, before)) & set(map(id, held()[: len(before)]))
        stopwatch.close()
        assert held() == before
        assert "settle" not in vars(pipeline.PIPELINE)


def test_time_is_taken_by_the_name_of_the_instrumentation(stopwatch: Stopwatch) -> None:
    with installed(target("place", begin=slowly)) as recorder:
        orders.place("before")
        stopwatch.open()
        for number in range(20):
            orders.place(str(number))
        stopwatch.close()
        orders.place("after")
        assert len(recorder.spans) == 22
    tally, sampled = stopwatch.take()
    share = tally.of["orders"]
    assert share.calls == 40
    assert 20 * SLOW * 1e9 * 0.7 <= share.spent_ns <= sampled * 1.1  # what was interrupted is taken for the mean of all
    assert (share.spans, share.leaves, tally.roots) == (20, 0, 20)
    assert stopwatch.take() == (stopwatch.tally, 0) or stopwatch.take()[1] == 0


def test_what_the_application_does_is_not_ours(stopwatch: Stopwatch) -> None:
    with installed(target("place")):
        stopwatch.open()
        for _ in range(20):
            orders.place("tea")
            slowly(None)  # type: ignore[arg-type] # stands for the application
        stopwatch.close()
    tally, sampled = stopwatch.take()
    assert tally.of["orders"].spent_ns < 20 * SLOW * 1e9 / 2 < sampled


def test_the_spans_of_the_application_are_named_so(stopwatch: Stopwatch) -> None:
    with installed(target("place")):
        tracer = PROVIDER.get_tracer("shop")
        stopwatch.open()
        with tracer.start_as_current_span("order"):
            orders.place("tea")
        stopwatch.close()
    tally, _ = stopwatch.take()
    assert tally.of["application"].spans == tally.roots == 1
    assert tally.of["orders"].leaves == 1


def test_what_was_interrupted_counts_as_the_others(stopwatch: Stopwatch) -> None:
    def once(call: Call) -> Any:
        if call.args == ("interrupted",):
            time.sleep(0.05)
        return OPERATION

    with installed(target("place", begin=once)):
        stopwatch.open()
        for number in range(19):
            orders.place(str(number))
        orders.place("interrupted")
        stopwatch.close()
    share = stopwatch.take()[0].of["orders"]
    assert (share.calls, share.timed < share.calls) == (40, True)
    assert share.spent_ns < 0.05 * 1e9


def test_a_slice_that_ends_in_the_middle_of_a_call_leaves_no_clock_behind(stopwatch: Stopwatch) -> None:
    def ending(_call: Call) -> Any:
        stopwatch.close()
        return OPERATION

    with installed(target("place", begin=ending)) as recorder:
        before = vars(drive)["enter"]
        stopwatch.open()
        timed = vars(drive)["enter"]
        orders.place("tea")
        assert vars(drive)["enter"] is before is not timed
        seen = stopwatch.take()[0].of.get("orders")
        orders.place("tea")
        assert len(recorder.spans) == 2
        assert stopwatch.take()[0].of.get("orders") is None
    assert seen is None or seen.calls <= 1


def test_a_timed_function_that_somebody_has_kept_takes_no_time_any_more(
    stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed(target("place")) as recorder:
        stopwatch.open()
        kept = vars(drive)["enter"]
        stopwatch.close()
        monkeypatch.setattr(drive, "enter", kept)
        orders.place("tea")
        assert len(recorder.spans) == 1
    assert not stopwatch.take()[0].of


def test_a_name_that_is_gone_is_passed_over(stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(drive, "enter")
    stopwatch.open()
    assert stopwatch.opened
    stopwatch.close()
    assert "enter" not in vars(drive)


def test_somebody_who_came_around_ours_meanwhile_stays(stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ENDED", limits.ENDED)
    stopwatch.open()
    inner = limits.ENDED

    def around(span: Any) -> None:
        inner(span)

    limits.ENDED = around
    stopwatch.close()
    assert limits.ENDED is around


def test_threads_are_taken_together(stopwatch: Stopwatch) -> None:
    with installed(target("place", begin=slowly)):
        stopwatch.open()
        threads = [threading.Thread(target=lambda: [orders.place("tea") for _ in range(5)]) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stopwatch.close()
    assert stopwatch.take()[0].of["orders"].calls == 30


def test_what_a_pool_of_connections_is_measured_by_is_timed(stopwatch: Stopwatch) -> None:
    told = []
    timed = Timed("redis pool", lambda *given: told.append(given), None)
    original = timed.end
    stopwatch.open()
    timed.end(0.0, None, (), {})
    stopwatch.close()
    assert len(told) == 1
    assert stopwatch.take()[0].of["redis"].calls == 1
    assert timed.end is original


@pytest.mark.parametrize(
    ("scope_name", "name"),
    [
        ("opentelemetry.instrumentation.pymongo", "pymongo"),
        ("opentelemetry.instrumentation.aio_pika.x", "aio_pika"),
        ("shop", "application"),
    ],
)
def test_scopes_have_the_names_of_the_settings(scope_name: str, name: str) -> None:
    assert name_of(InstrumentationScope(scope_name)) == name
    assert name_of(own_scope("redis")) == "redis"
    assert places_module.APPLICATION == "application"
