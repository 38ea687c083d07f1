"""A callback that blocks an event loop is seen, every time, and nothing else about the loop is any different."""

from __future__ import annotations

import asyncio
import gc
import selectors
import signal
import sys
import threading
import time
import traceback
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.engine import apply
from platform_instrument.instrumentations.std_asyncio import INSTRUMENTATION
from platform_instrument.runtime import loops
from platform_instrument.telemetry.metrics.registry import METRICS
from tests.processes import door, run
from tests.strikes import StruckError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

LAG = "platform.asyncio.loop.lag"


def block(seconds: float) -> None:
    """Keep the event loop that this is called in from everything else."""
    time.sleep(seconds)


@pytest.fixture
def uvloop() -> Any:
    """Return the module, imported before it is instrumented: no import hooks are in this process."""
    return pytest.importorskip("uvloop")


@pytest.fixture
def _measured() -> Iterator[None]:
    apply.install(INSTRUMENTATION)
    METRICS.reset()
    yield
    apply.uninstall("asyncio")
    METRICS.reset()


def lags(kind: str = "asyncio") -> tuple[int, int, float]:
    """Return how often a loop went around, how often it was late by 40 ms or more, and the seconds in all."""
    cell = METRICS.by_name[LAG].cells[("platform.asyncio.loop.kind", kind),]
    cell.fold()
    late = sum(count for count, bound in zip(cell.counts[1:], cell.bounds, strict=True) if bound >= 0.025)
    return sum(cell.counts), late, cell.sum


@pytest.mark.usefixtures("_measured")
@pytest.mark.parametrize("debug", [False, True])
def test_each_callback_that_blocks_is_seen(*, debug: bool) -> None:
    async def main() -> None:
        for _ in range(3):
            await asyncio.sleep(0.001)
            block(0.05)

    asyncio.run(main(), debug=debug)
    rounds, late, seconds = lags()
    assert late >= 3  # the machine may have kept the loop, too
    assert 0.15 <= seconds < 0.6
    assert rounds < 30


@pytest.mark.usefixtures("_measured")
def test_a_loop_that_waits_does_not_wake_for_us_and_holds_no_timer_of_ours() -> None:
    async def main() -> tuple[int, float]:
        before = lags()[0]
        began = time.thread_time()
        await asyncio.sleep(0.5)
        return lags()[0] - before, time.thread_time() - began

    rounds, seconds = asyncio.run(main())
    assert rounds <= 2
    assert seconds < 0.05

    async def timers() -> int:
        return len(asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]

    assert asyncio.run(timers()) == 0


@pytest.mark.usefixtures("_measured")
def test_what_lies_between_two_runs_of_a_loop_is_no_lag() -> None:
    loop = asyncio.new_event_loop()
    for _ in range(3):
        loop.run_until_complete(asyncio.sleep(0.001))
        time.sleep(0.05)
    loop.close()
    rounds, late, _ = lags()
    assert rounds
    assert late == 0


@pytest.mark.usefixtures("_measured")
def test_loops_of_several_threads_are_counted_together() -> None:
    async def main() -> None:
        for _ in range(5):
            await asyncio.sleep(0.001)
            block(0.05)

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lags()[1] == 20


@pytest.mark.usefixtures("_measured")
def test_a_selector_looks_as_it_did_and_is_itself_again_after_undo() -> None:
    loop = asyncio.new_event_loop()
    selector = loop._selector  # type: ignore[attr-defined]
    kind = type(selector)
    loop.run_until_complete(asyncio.sleep(0))
    assert isinstance(selector, kind)
    assert (type(selector).__name__, type(selector).__module__) == (kind.__name__, "selectors")
    assert type(selector) is not kind
    apply.uninstall("asyncio")
    assert type(selector) is kind
    before = lags()[0]
    loop.run_until_complete(asyncio.sleep(0.01))
    assert lags()[0] == before
    loop.close()


@pytest.mark.usefixtures("_measured")
def test_a_loop_is_freed_as_without_us() -> None:
    """At once where nobody holds it, without the help of the garbage collector."""

    def freed() -> bool:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(asyncio.sleep(0))
        selector = weakref.ref(loop._selector)  # type: ignore[attr-defined]
        loop.close()
        del loop
        return selector() is None

    gc.disable()
    try:
        measured = freed()
        apply.uninstall("asyncio")
        assert measured == freed()
    finally:
        gc.enable()


@pytest.mark.usefixtures("_measured")
def test_a_selector_of_the_application_s_own_class_is_left_alone() -> None:
    class Own(selectors.DefaultSelector):
        pass

    loop = asyncio.SelectorEventLoop(Own())
    loop.run_until_complete(asyncio.sleep(0.01))
    assert type(loop._selector) is Own  # type: ignore[attr-defined]
    loop.close()


@pytest.mark.usefixtures("_measured")
def test_what_a_signal_handler_raises_comes_out_of_the_loop_without_a_frame_of_ours() -> None:
    def strike(_number: int, _frame: Any) -> None:
        raise StruckError

    loop = asyncio.new_event_loop()
    handler = signal.signal(signal.SIGALRM, strike)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(StruckError) as raised:
            loop.run_until_complete(asyncio.sleep(5))
    finally:
        signal.signal(signal.SIGALRM, handler)
        loop.close()
    if sys.version_info >= (3, 11):
        files = [frame.filename for frame in traceback.extract_tb(raised.tb)]
        assert not [file for file in files if "platform_instrument" in file]


@pytest.mark.usefixtures("_measured")
def test_frozen_time_counts_nothing_below_zero() -> None:
    freezegun = pytest.importorskip("freezegun")

    async def main() -> None:
        with freezegun.freeze_time("2020-01-01") as frozen:
            for _ in range(5):
                await asyncio.sleep(0)
                frozen.move_to("2019-01-01")
        await asyncio.sleep(0.01)

    asyncio.run(main())
    rounds, _, seconds = lags()
    assert rounds >= 5
    assert 0 <= seconds < 5


def test_switched_off_there_is_no_patch(collector: Collector, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import asyncio, sqlite3, time\n"
        "print(hasattr(asyncio.BaseEventLoop.run_forever, '__wrapped__'))\n"
        "asyncio.run(asyncio.sleep(0.01))\n"
        "sqlite3.connect(':memory:').execute('select 1')\n"
        "time.sleep(0.5)\n"
    )
    argv, env = door("command", [sys.executable, program])
    for off in ({"PLATFORM_DISABLED_INSTRUMENTATIONS": "asyncio"}, {"PLATFORM_RUNTIME_METRICS": "false"}):
        collector.clear()
        done = run(argv, env={**env, **off}, collector=collector)
        assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")
        collector.wait_for_metric("db.client.operation.duration")
        assert not collector.latest(LAG)
        assert bool(collector.latest("process.uptime")) == ("PLATFORM_RUNTIME_METRICS" not in off)


# --- uvloop -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("uvloop", "_measured")
def test_a_loop_of_uvloop_that_is_blocked_is_seen_and_ends_as_without_us(uvloop: Any) -> None:
    async def main() -> None:
        for _ in range(8):
            await asyncio.sleep(0.02)
            block(0.15)

    loop = uvloop.new_event_loop()
    loop.run_until_complete(main())
    rounds, late, _ = lags("uvloop")
    assert 4 <= rounds <= 20
    assert late >= 4
    time.sleep(0.3)
    before = lags("uvloop")
    loop.run_until_complete(asyncio.sleep(0.25))
    assert lags("uvloop")[1] == before[1]
    loop.close()
    assert loop in loops._beats


@pytest.mark.usefixtures("_measured")
def test_a_loop_of_uvloop_is_freed_as_without_us(uvloop: Any) -> None:
    """However many a program makes: a timer of ours holds its loop, so nothing but the loop may hold the timer."""

    def freed(rounds: int) -> bool:
        loop = uvloop.new_event_loop()
        for _ in range(rounds):
            loop.run_until_complete(asyncio.sleep(0))
        reference = weakref.ref(loop)
        loop.close()
        del loop
        gc.collect()
        return reference() is None

    assert freed(1)
    assert freed(3)
    assert not loops._beats


@pytest.mark.usefixtures("uvloop", "_measured")
def test_timers_in_uvloop_end_with_the_instrumentation(uvloop: Any) -> None:
    loop = uvloop.new_event_loop()
    loop.run_until_complete(asyncio.sleep(0.15))
    before = lags("uvloop")[0]
    assert before
    apply.uninstall("asyncio")
    loop.run_until_complete(asyncio.sleep(0.3))
    assert lags("uvloop")[0] == before
    loop.close()
