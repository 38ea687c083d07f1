"""Checks of the application's own: asked, bounded and shown whatever they do; critical ones are gates."""

from __future__ import annotations

import asyncio
import functools
import gc
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.core import report
from platform_instrument.core.families import SUPPRESSED
from platform_instrument.engine.health import DOWN, HEALTH, UNKNOWN, UP
from platform_instrument.runtime.health import checker, registration
from platform_instrument.runtime.health.attempts import Attempt, Inbox, Question
from platform_instrument.runtime.health.checked import Checked
from platform_instrument.runtime.health.checker import CHECKER
from platform_instrument.runtime.health.registration import add_readiness_check, add_startup_check
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT
from tests.runtime.health.checking import checking, checks, exported, states, until, until_soon
from tests.runtime.health.clients import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def _quiet() -> None:
    report.forget()


@pytest.fixture
def _checking() -> Iterator[None]:
    with checking():
        yield


usual = pytest.mark.usefixtures("_checking")


@pytest.mark.filterwarnings("error")
def test_nothing_is_said_of_a_check_that_its_loop_never_came_to(capfd: pytest.CaptureFixture[str]) -> None:
    async def ask() -> None:
        await asyncio.sleep(60)

    for turns in (0, 1):  # the task that asks is made, and not begun; or begun, and not done
        loop = asyncio.new_event_loop()
        Attempt(Question(ask, loop), Inbox(), 1.0).begin()
        for _ in range(turns + 1):
            loop.call_soon(loop.stop)
            loop.run_forever()
        loop.close()
        del loop
    gc.collect()
    assert capfd.readouterr().err == ""


@usual
def test_a_check_is_asked_again_and_again_and_shown() -> None:
    asked = []
    add_readiness_check("tea", lambda: asked.append(1))
    until(lambda: len(asked) > 2)
    check = until(lambda: states() == {"tea": UP} and checks()["tea"])
    assert check.critical
    assert 0 < check.latency_seconds < 5
    assert time.time() - 60 < check.since <= time.time()
    assert exported() == {("tea", "registered"): 1}


@usual
def test_a_critical_check_makes_unready_and_another_does_not() -> None:
    well = {"tea": True, "milk": True}
    add_readiness_check("tea", lambda: well["tea"], critical=False)
    add_readiness_check("milk", lambda: well["milk"])
    until(lambda: states() == {"tea": UP, "milk": UP})
    well["tea"] = False
    until(lambda: states()["tea"] == DOWN)
    assert HEALTH.ready()
    well["milk"] = False
    until(lambda: not HEALTH.ready())
    assert exported() == {("tea", "registered"): 0, ("milk", "registered"): 0}
    well["milk"] = True
    until(HEALTH.ready)


def test_failures_are_counted_and_recoveries_awaited() -> None:
    with checking(
        {"PLATFORM_READINESS_FAILURES": "3", "PLATFORM_READINESS_SUCCESSES": "3", "PLATFORM_READINESS_INTERVAL": "0.1"}
    ):
        results = iter("+--+---++")
        told: list[tuple[str, str, bool]] = []

        def ask() -> bool:
            told.append((checks()["tea"].state, "", HEALTH.ready()))
            return next(results, "+") == "+"

        add_readiness_check("tea", ask)
        until(lambda: len(told) >= 11)
    assert [(state, ready) for state, _, ready in told[:11]] == [
        (UNKNOWN, True),  # it was added to a process that serves
        (UP, True), (DOWN, True), (DOWN, True), (UP, True), (DOWN, True), (DOWN, True), (DOWN, False), (DOWN, False), (DOWN, False),
        (UP, True),
    ]  # fmt: skip


def test_a_check_that_is_there_before_the_application_keeps_it_unready_until_it_is_up() -> None:
    with checking({"PLATFORM_READINESS_FAILURES": "100"}, serve=False):
        well = [False]
        add_readiness_check("tea", lambda: well[0])
        HEALTH.load()
        assert not HEALTH.ready()
        until(lambda: states() == {"tea": DOWN})
        assert not HEALTH.ready()
        well[0] = True
        until(HEALTH.ready)


def test_nothing_is_asked_before_the_process_serves() -> None:
    with checking(serve=False):
        asked = []
        add_readiness_check("tea", lambda: asked.append(1))
        time.sleep(0.3)
        assert asked == []
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("platform-instrument-check")]
        HEALTH.load()
        until(lambda: asked)


def test_start_up_waits_for_its_checks_and_asks_them_no_more_afterwards() -> None:
    with checking(serve=False):
        results = [False, False, True]
        asked = []

        @add_startup_check("warm")
        def warm() -> bool:
            asked.append(HEALTH.started)
            return results.pop(0) if results else False

        HEALTH.load()
        assert not HEALTH.started
        until(lambda: HEALTH.started)
        time.sleep(0.3)
        assert asked == [False, False, False]
        assert [check.state for check in HEALTH.snapshot().startup_checks] == [UP]


def raises(error: BaseException) -> Callable[[], None]:
    def ask() -> None:
        raise error

    return ask


class UnspeakableError(Exception):
    def __str__(self) -> str:
        message = "no"
        raise ValueError(message)


def password() -> None:
    message = "connection to postgresql://bob:hunter2@db/shop failed: password=hunter2"
    raise ConnectionError(message)


def coroutine_that_raises() -> Any:
    async def ask() -> None:
        message = "no tea"
        raise OSError(message)

    return ask


@usual
@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (raises(ValueError("no\ntea")), "ValueError: no tea"),
        (raises(SystemExit(3)), "SystemExit: 3"),
        (lambda: False, "it returned False"),
        (lambda: "fine", "it returned str, not True, False or None"),
        (lambda: [True], "it returned list, not True, False or None"),
        (password, "ConnectionError: connection to postgresql://[credentials]@db/shop failed: password=[secret]"),
        (coroutine_that_raises(), "OSError: no tea"),
        (lambda: asyncio.wait_for(coroutine_that_raises()(), 1), "OSError: no tea"),
    ],
)
def test_a_check_that_raises_or_returns_nonsense_is_down_and_says_why(ask: Any, message: str) -> None:
    add_readiness_check("tea", ask)
    add_readiness_check("milk", lambda: True)
    found = until(lambda: states() == {"tea": DOWN, "milk": UP} and checks()["tea"])
    assert found.message == message


@usual
def test_a_long_message_is_cut() -> None:
    add_readiness_check("tea", raises(ValueError("x" * 100_000)))
    assert len(until(lambda: states() == {"tea": DOWN} and checks()["tea"].message)) < 400


@usual
@pytest.mark.faults
def test_an_exception_that_cannot_be_said_is_named() -> None:
    add_readiness_check("tea", raises(UnspeakableError()))
    assert until(lambda: states() == {"tea": DOWN} and checks()["tea"].message).endswith("UnspeakableError")


@usual
def test_a_check_that_hangs_is_down_in_time_is_asked_once_and_keeps_no_other_from_being_asked() -> None:
    goes_on, asked, others = threading.Event(), [], []

    def hang() -> None:
        asked.append(1)
        goes_on.wait(30)

    try:
        add_readiness_check("other", lambda: others.append(1))
        add_readiness_check("tea", hang)
        began = time.monotonic()
        message = until(lambda: states().get("tea") == DOWN and checks()["tea"].message)
        assert message == "no answer within 0.3 s"
        assert time.monotonic() - began > 0.2
        before = len(others)
        until(lambda: len(others) > before + 5)
        assert len(asked) == 1
    finally:
        goes_on.set()
    until(lambda: states()["tea"] == UP)


@usual
def test_a_timeout_of_its_own_holds() -> None:
    add_readiness_check("tea", lambda: time.sleep(0.5), timeout=10)
    add_readiness_check("milk", lambda: time.sleep(0.5), timeout=0.05)
    until(lambda: states() == {"tea": UP, "milk": DOWN})


@usual
def test_more_checks_that_hang_than_threads_are_bearable_are_not_asked(capfd: pytest.CaptureFixture[str]) -> None:
    goes_on, asked = threading.Event(), []

    def hang() -> None:
        asked.append(1)
        goes_on.wait(30)

    try:
        for number in range(20):
            add_readiness_check(f"tea {number}", hang)
        until(lambda: len(asked) == 16)
        time.sleep(0.3)
        assert len(asked) == 16
        assert len([each for each in threading.enumerate() if each.name == "platform-instrument-check"]) == 16
        until(lambda: "16 checks hang; others are not asked meanwhile" in capfd.readouterr().err)
    finally:
        goes_on.set()
    until(lambda: set(states().values()) == {UP})


@usual
def test_a_coroutine_function_is_asked_on_the_loop_that_it_was_registered_on() -> None:
    async def serve() -> None:
        asked = []

        @add_readiness_check
        async def tea() -> bool:
            asked.append(asyncio.get_running_loop())
            await asyncio.sleep(0)
            return True

        await until_soon(lambda: len(asked) > 1)
        assert set(asked) == {asyncio.get_running_loop()}

    asyncio.run(serve())


def test_a_coroutine_function_is_asked_on_the_loop_that_serves_or_on_its_own() -> None:
    loops: list[Any] = []

    async def ask(_given: int) -> None:
        loops.append(asyncio.get_running_loop())

    async def serve() -> None:
        HEALTH.load()
        loops.clear()
        await until_soon(lambda: bool(loops))
        assert loops[-1] is asyncio.get_running_loop()

    with checking(serve=False):
        add_readiness_check("tea", functools.partial(ask, 1))
        CHECKER.begin()
        until(lambda: loops)
        asyncio.run(serve())


@usual
def test_a_check_that_hangs_on_a_loop_is_cancelled_and_a_blocked_loop_is_a_timeout() -> None:
    async def serve() -> None:
        cancelled = []

        async def hang() -> None:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled.append(1)
                raise

        async def well() -> None:
            return

        add_readiness_check("tea", hang)
        add_readiness_check("milk", well)
        await until_soon(lambda: bool(cancelled))
        assert states() == {"tea": DOWN, "milk": UP}
        until(lambda: states() == {"tea": DOWN, "milk": DOWN})  # which blocks the loop
        await until_soon(lambda: states()["milk"] == UP)

    asyncio.run(serve())


def test_nothing_that_a_check_does_is_observed() -> None:
    with checking(None, "redis", "redis_checks") as recorder:
        import redis

        contexts = []

        def ask() -> None:
            contexts.append(CURRENT.get())
            with redis.Redis() as client:
                client.ping()

        async def ask_soon() -> None:
            contexts.append(CURRENT.get())

        async def register() -> None:
            add_readiness_check("water", ask_soon)

        loop = Loop()
        loop.run(register())
        add_readiness_check("tea", ask)
        add_readiness_check("milk", ask_soon)
        until(lambda: len(contexts) > 6)
        loop.close()
        assert {(each.span_id, each.trace_id, each.families) for each in contexts if each is not None} == {(0, 0, SUPPRESSED)}
        assert None not in contexts
        assert recorder.spans == ()


@usual
def test_a_second_check_of_a_name_takes_the_place_of_the_first() -> None:
    add_readiness_check("tea", lambda: False)
    until(lambda: states() == {"tea": DOWN})
    add_readiness_check("tea", lambda: True)
    until(lambda: states() == {"tea": UP})


@usual
def test_what_is_no_check_is_left_out_and_said(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "MOST", 3)
    add_readiness_check(3, lambda: True)
    add_readiness_check("tea", lambda: True, timeout=-1)
    for number in range(registration.MOST):
        add_startup_check(f"tea {number}", lambda: True)
    add_startup_check("one more", lambda: True)
    until(lambda: states() == {"tea": UP})
    assert capfd.readouterr().err.splitlines() == [
        "platform-instrument: a check is left out: it takes a name and a function, and got int, function",
        "platform-instrument: the check 'tea': timeout -1 is no number of seconds from 0.05 to 60; PLATFORM_READINESS_TIMEOUT holds",
        "platform-instrument: the check 'one more' is left out: there are 3 already",
    ]


def test_what_decorates_returns_the_function() -> None:
    with checking(serve=False):

        def tea() -> bool:
            return True

        assert add_readiness_check(tea) is tea
        assert add_readiness_check("tea", tea) is tea
        assert add_readiness_check("tea", critical=False, timeout=1.0)(tea) is tea
        assert add_startup_check("tea")(tea) is tea
        assert add_startup_check(tea) is tea


@usual
def test_while_it_drains_a_process_asks_nothing() -> None:
    asked: list[float] = []
    add_readiness_check("tea", lambda: asked.append(time.monotonic()))
    until(lambda: len(asked) > 1)
    HEALTH.drain()
    time.sleep(0.3)
    count = len(asked)
    time.sleep(0.5)
    assert len(asked) == count


def test_what_the_critical_list_names_and_nobody_knows_is_said_once(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker, "_SETTLED", 0.3)
    with checking({"PLATFORM_READINESS_CRITICAL": "tea,Milk,postgres"}):
        add_readiness_check("tea", lambda: True, critical=False)
        add_readiness_check("milk", lambda: True, critical=False)
        add_readiness_check("water", lambda: True, critical=False)
        said = until(lambda: capfd.readouterr().err)
        assert {check.name: check.critical for check in checks().values()} == {"tea": True, "milk": True, "water": False}
    assert said == (
        "platform-instrument: PLATFORM_READINESS_CRITICAL names 'postgres', which this process does not depend on; "
        "correct it, or remove it; what is checked is: tea, milk, water\n"
    )


def test_the_example_of_the_documentation_works() -> None:
    page = (Path(__file__).parents[3] / "docs" / "readiness.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)

    class Client:
        async def get(self, _path: str) -> None:
            await asyncio.sleep(0)

    with checking(serve=False):
        exec(example, {"free_bytes": lambda: 2_000_000, "client": Client(), "cache_is_warm": lambda: True})  # noqa: S102
        HEALTH.load()
        until(lambda: HEALTH.ready() and states() == {"disk": UP, "upstream": UP})
        assert {name: check.critical for name, check in checks().items()} == {"disk": True, "upstream": False}


@usual
def test_where_no_thread_can_be_started_a_check_is_asked_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    add_readiness_check("tea", lambda: True)
    until(lambda: states() == {"tea": UP})
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        until(lambda: checks()["tea"].message == "no thread can be started")
        assert states() == {"tea": UP}
    until(lambda: checks()["tea"].message == "")


@usual
@pytest.mark.parametrize("over", [False, True])
def test_a_thread_that_a_fork_has_left_behind_goes_on(monkeypatch: pytest.MonkeyPatch, over: bool) -> None:  # noqa: FBT001 - a row
    asked = []
    add_readiness_check("tea", lambda: asked.append(1))
    until(lambda: asked)
    begin, inside, goes_on = Checked.begin, threading.Event(), threading.Event()

    def late(self: Checked, *arguments: Any) -> None:
        inside.set()
        goes_on.wait(30)
        begin(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Checked, "begin", late)
        inside.wait(30)
        CHECKER.before_fork()
        if over:
            goes_on.set()
            until(lambda: CHECKER._thread is None)
        CHECKER.after_fork_in_parent()
        goes_on.set()
    count = len(asked)
    until(lambda: len(asked) > count + 2)
    assert len([each for each in threading.enumerate() if each.name == "platform-instrument-checks"]) == 1


@usual
def test_at_the_end_nothing_begins_anew() -> None:
    asked = []
    add_readiness_check("tea", lambda: asked.append(1))
    until(lambda: asked)
    CHECKER.end()
    count = len(asked)
    add_readiness_check("milk", lambda: asked.append(1))
    HEALTH.drain(draining=False)
    time.sleep(0.4)
    assert len(asked) == count
    assert not [each for each in threading.enumerate() if each.name.startswith("platform-instrument-check")]


@usual
def test_a_process_that_becomes_a_master_checks_no_more() -> None:
    asked = []
    add_readiness_check("tea", lambda: asked.append(1))
    until(lambda: asked)
    assert pipeline.PIPELINE is not None
    pipeline.PIPELINE.worker.held = True
    until(lambda: not [each for each in threading.enumerate() if each.name == "platform-instrument-checks"])
    count = len(asked)
    add_readiness_check("milk", lambda: asked.append(1))
    time.sleep(0.3)
    assert len(asked) == count
