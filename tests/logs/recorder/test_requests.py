"""Requests: which of them have their lines printed, whatever thread, task or process logs, and within which bounds."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, context

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.values import SERVER
from platform_instrument.semantics.recorder import LINES
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT, Ambient, inherited
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracer import start
from platform_instrument.web.asgi import observe_asgi
from tests.instrumentations.recording import recording
from tests.logs.recorder.shop import ON, Shop, failing, outcomes, recorder, request, three

if TYPE_CHECKING:
    from collections.abc import Callable


def test_an_exception_that_leaves_the_application_is_a_failure(shop: Shop) -> None:
    def act() -> None:
        shop.log.debug("before")
        raise KeyError("order")

    with recorder(), pytest.raises(KeyError):
        request(act)
    assert shop.printed == ["DEBUG before"]


def test_an_error_on_the_span_of_the_request_is_a_failure_whatever_is_answered(shop: Shop) -> None:
    def act() -> None:
        shop.log.debug("before")
        CURRENT.get().set_status(2)  # type: ignore[union-attr]

    with recorder():
        request(act)
    assert shop.printed == ["DEBUG before"]


def test_a_slow_request_is_printed_and_zero_means_that_none_is(shop: Shop) -> None:
    with recorder(slow="0.000001"):
        request(three(shop))
    assert shop.printed == ["INFO second", "DEBUG first of 3", "DEBUG third"]
    with recorder(slow="0"):
        request(three(shop))
    assert shop.printed[3:] == ["INFO second"]


def test_a_request_that_is_not_sampled_is_recorded_all_the_same(shop: Shop) -> None:
    with recording("std_recorder", environ={**ON, "OTEL_TRACES_SAMPLER": "always_off"}):
        failing(lambda: shop.log.debug("unsampled"))
        assert shop.printed == ["DEBUG unsampled"]


def test_requests_at_the_same_time_keep_their_lines_apart(shop: Shop) -> None:
    meeting = threading.Barrier(2)

    def act(name: str) -> None:
        shop.log.debug("%s begins", name)
        meeting.wait(10)
        shop.log.debug("%s ends", name)

    with recorder():
        threads = [
            threading.Thread(target=serve, args=(lambda name=name: act(name),))
            for name, serve in (("bad", failing), ("good", request))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert shop.printed == ["DEBUG bad begins", "DEBUG bad ends"]


def test_threads_with_the_request_s_context_are_part_of_it(shop: Shop) -> None:
    def act() -> None:
        contexts = [contextvars.copy_context() for _ in range(8)]
        threads = [threading.Thread(target=context.run, args=(shop.log.debug, "in a thread")) for context in contexts]
        threads.append(threading.Thread(target=shop.log.debug, args=("elsewhere",)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

    with recorder():
        failing(act)
    assert shop.printed == ["DEBUG in a thread"] * 8


def asgi(act: Callable[[], Any], status: int, parts: int = 1) -> None:
    """Serve a request by ASGI, its body in so many parts; `act` is awaited before each."""

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        for part in range(parts):
            await act()
            await send({"type": "http.response.body", "body": b"x", "more_body": part + 1 < parts})

    async def nothing(*_: Any) -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(observe_asgi(application)(scope, nothing, nothing))


def test_tasks_and_streamed_answers_are_part_of_the_request(shop: Shop) -> None:
    async def act() -> None:
        async def task(number: int) -> None:
            shop.log.debug("task %d", number)

        await asyncio.gather(*(task(number) for number in range(3)))

    with recorder():
        asgi(act, 500, parts=2)
        assert shop.printed == [f"DEBUG task {number}" for number in (0, 1, 2, 0, 1, 2)]
        asgi(act, 200)
        assert len(shop.printed) == 6


def test_a_task_that_outlives_its_request_is_outside_of_it(shop: Shop) -> None:
    left: list[contextvars.Context] = []
    with recorder():
        failing(lambda: left.append(contextvars.copy_context()))
        left[0].run(shop.log.debug, "afterwards")
        assert left[0].run(shop.log.isEnabledFor, 10) is False
    assert shop.printed == []


def test_a_request_within_a_request_prints_what_both_have_kept(shop: Shop) -> None:
    def inner() -> None:
        shop.log.debug("inner")

    def outer(serve: Callable[..., None]) -> Callable[[], None]:
        def act() -> None:
            shop.log.debug("outer")
            before = CURRENT.get()
            CURRENT.set(start("bridge", SERVER, before.operation, None, own_scope("test"), before, 0))  # type: ignore[union-attr]
            inner()
            span, _ = CURRENT.get(), CURRENT.set(before)
            pipeline.PIPELINE.settle(span, {"error.type": "500"} if serve is failing else None)  # type: ignore[union-attr,arg-type]
            shop.log.debug("after")

        return act

    with recorder():
        request(outer(failing))
        assert shop.printed == ["DEBUG outer", "DEBUG inner"]
        failing(outer(request))
    assert shop.printed[2:] == ["DEBUG outer", "DEBUG inner", "DEBUG after"]


def test_a_span_of_the_application_s_that_serves_is_a_request(shop: Shop) -> None:
    with recorder():
        span = start("consume", 5, None, None, own_scope("test"), None, 0)
        token = CURRENT.set(span)
        shop.log.debug("a message")
        CURRENT.reset(token)
        span.set_status(2)
        span.end()
    assert shop.printed == ["DEBUG a message"]


def test_a_long_request_keeps_the_latest_and_says_how_many_it_has_lost(shop: Shop) -> None:
    with recorder(size="16384"):
        failing(lambda: [shop.log.debug("line %d", number) for number in range(1_000)])
        assert outcomes(LINES) == {"printed": len(shop.printed) - 1, "overwritten": 1_001 - len(shop.printed)}
    first, *rest = shop.printed
    assert 10 < len(rest) < 50
    assert first == f"DEBUG … {1_000 - len(rest)} earlier lines left out"
    assert rest == [f"DEBUG line {number}" for number in range(1_000 - len(rest), 1_000)]


def test_no_more_than_so_many_requests_a_minute_are_printed(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    with recorder(rate="2"):
        for _ in range(5):
            failing(lambda: shop.log.debug("again"))
        assert outcomes() == {"printed": 2, "withheld": 3}
    assert shop.printed == ["DEBUG again"] * 2
    assert capfd.readouterr().err.count("PLATFORM_LOG_FLIGHT_RECORDER_RATE") == 1


def test_excluded_requests_are_not_recorded(shop: Shop) -> None:
    with recorder():
        request(lambda: shop.log.debug("probe"), "500 Internal Server Error", agent="kube-probe/1.31")
    assert shop.printed == []


def test_a_fork_child_has_nothing_of_its_parent_s(shop: Shop) -> None:
    reading, writing = os.pipe()

    def act() -> None:
        shop.log.debug("of the parent")
        child = os.fork()
        if not child:
            shop.log.debug("of the child")
            os.write(writing, f"{shop.log.isEnabledFor(10)} ".encode())
            CURRENT.set(inherited(CURRENT.get()))  # type: ignore[arg-type] # as a pipeline does
            failing(lambda: shop.log.debug("of the child's request"))
            span = start("consume", 5, None, None, own_scope("test"), CURRENT.get(), 0)
            CURRENT.set(span)
            shop.log.debug("of its message")
            span.set_status(2)
            span.end()
            os.write(writing, " ".join(shop.printed).encode())
            os._exit(0)
        os.waitpid(child, 0)

    with recorder():
        failing(act)
    os.close(writing)
    told = os.read(reading, 10_000).decode()
    os.close(reading)
    assert told.startswith("False "), told
    assert "parent" not in told
    assert "of the child's request" in told
    assert "of its message" in told
    assert shop.printed == ["DEBUG of the parent"]


def test_nothing_is_kept_where_nothing_is_to_be_observed(shop: Shop) -> None:
    def act() -> None:
        token = CURRENT.set(Ambient(local=CURRENT.get().local, families=SUPPRESSED))  # type: ignore[union-attr]
        shop.log.debug("of an exporter")
        CURRENT.reset(token)

    with recorder():
        failing(act)
    assert shop.printed == []


def test_a_span_of_the_application_s_that_is_not_sampled_is_none(shop: Shop) -> None:
    with recording("std_recorder", environ={**ON, "OTEL_TRACES_SAMPLER": "always_off"}):
        token = CURRENT.set(start("consume", 5, None, None, own_scope("test"), None, 0))
        assert not shop.log.isEnabledFor(10)
        CURRENT.reset(token)


def test_the_end_gives_back_what_was_held(shop: Shop) -> None:
    rings: list[Any] = []

    def act() -> None:
        three(shop)()
        rings.append(CURRENT.get().local.ring)  # type: ignore[union-attr]
        assert rings[0].weight == rings[0].rings.weight > 0

    with recorder():
        request(act)
    (ring,) = rings
    assert (ring.weight, ring.rings.weight, ring.rings.number, len(ring.lines)) == (0, 0, 0, 0)


def test_there_is_no_room_for_more_than_so_many(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_instrument.telemetry.logs.ring.MOST_RINGS", 0)
    with recorder():
        failing(three(shop))
        assert outcomes() == {"no_room": 1}
    assert shop.printed == ["INFO second"]


def test_lines_that_were_lost_are_told_once(shop: Shop) -> None:
    def act() -> None:
        for number in range(100):
            shop.log.debug("line %d", number)
        before = CURRENT.get()
        span = start("bridge", SERVER, before.operation, None, own_scope("test"), before, 0)  # type: ignore[union-attr]
        pipeline.PIPELINE.settle(span, {"error.type": "500"})  # type: ignore[union-attr]
        shop.log.debug("after")

    with recorder(size="16384"):
        failing(act)
    assert [line for line in shop.printed if "left out" in line] == shop.printed[:1]
    assert shop.printed[-2:] == ["DEBUG line 99", "DEBUG after"]


def test_a_context_of_the_api_s_that_is_attached_meanwhile_is_part_of_the_request(shop: Shop) -> None:
    def act() -> None:
        token = context.attach(baggage.set_baggage("tenant", "acme"))
        shop.log.debug("with baggage")
        context.detach(token)

    with recording("std_recorder", "opentelemetry", environ=ON):
        failing(act)
    assert shop.printed == ["DEBUG with baggage"]
