"""What is left out, and what never is: each step put in place and taken out again, on the toy library and on real log records."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.core.values import SERVER, Operation
from platform_instrument.runtime.overhead.budget import LOGS, SPANS, TRACES, Step
from platform_instrument.runtime.overhead.shedding import Shedding, Thinned
from platform_instrument.telemetry import limits, pipeline, tracer
from platform_instrument.telemetry.api import PROVIDER
from platform_instrument.telemetry.context import CURRENT, SAMPLED, Ambient
from platform_instrument.telemetry.logs import capture
from platform_instrument.telemetry.logs.queue import LogQueue
from platform_instrument.telemetry.sampling import AlwaysOff, ParentBased, Sampler
from tests.engine import orders
from tests.engine.observing import DURATION, installed, target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.received import Span

TRACER = PROVIDER.get_tracer("shop")
ORDERS = Step(SPANS, "orders")


@pytest.fixture
def shedding() -> Iterator[Shedding]:
    """Return one that leaves nothing out after the test."""
    made = Shedding()
    yield made
    made.follow(())


def by_name(spans: tuple[Span, ...]) -> dict[str, Span]:
    return {span.name: span for span in spans}


# --- spans of a library ---------------------------------------------------------------------------------------------------


def test_leaf_spans_of_a_library_go_and_its_durations_are_all_counted(shedding: Shedding) -> None:
    with installed(target("place")) as recorder:
        shedding.follow((ORDERS,))
        with TRACER.start_as_current_span("own"):
            for _ in range(5):
                orders.place("tea")
        assert [span.name for span in recorder.spans] == ["own"]
        assert recorder.durations(DURATION.name) == {(("order.kind", "toy"),): 5}
    assert shedding.shed.spans == 5


def test_a_span_that_is_a_trace_of_its_own_is_kept(shedding: Shedding) -> None:
    with installed(target("place")) as recorder:
        shedding.follow((ORDERS,))
        orders.place("tea")
        assert [span.name for span in recorder.spans] == ["order"]


def test_what_failed_is_kept_under_an_id_of_its_own(shedding: Shedding) -> None:
    with installed(target("place")) as recorder:
        shedding.follow((ORDERS,))
        with TRACER.start_as_current_span("own"):
            orders.place("tea")
            with pytest.raises(orders.OrderError):
                orders.place("error")
        failed, own = recorder.spans
    assert (failed.name, failed.status, failed.parent_id) == ("order", "ERROR", own.span_id)
    assert failed.span_id != own.span_id
    assert failed.attributes["error.type"]


def test_what_is_sent_belongs_to_the_parent_of_what_is_left_out(shedding: Shedding) -> None:
    sent: dict[str, str] = {}
    with installed(target("place", carrier=lambda _call: sent)) as recorder:
        shedding.follow((ORDERS,))
        with TRACER.start_as_current_span("own"):
            orders.place("tea")
        (own,) = recorder.spans
    assert sent["traceparent"].startswith(f"00-{own.trace_id}-{own.span_id}-")


def test_what_is_below_what_is_left_out_belongs_to_its_parent(shedding: Shedding) -> None:
    with installed(target("basket", context_manager=True)) as recorder:
        shedding.follow((ORDERS,))
        with TRACER.start_as_current_span("own"), orders.basket("tea"):
            TRACER.start_span("below").end()
        spans = by_name(recorder.spans)
    assert spans.keys() == {"own", "below"}
    assert spans["below"].parent_id == spans["own"].span_id


def test_what_this_process_was_asked_for_is_kept(shedding: Shedding) -> None:
    with installed(target("place", begin=lambda _call: Operation("served", SERVER, {}))) as recorder:
        shedding.follow((ORDERS,))
        with TRACER.start_as_current_span("own"):
            orders.place("tea")
        assert {span.name for span in recorder.spans} == {"served", "own"}


def test_other_libraries_and_the_application_keep_all_of_theirs(shedding: Shedding) -> None:
    with installed(target("place")) as recorder:
        shedding.follow((Step(SPANS, "redis"),))
        with TRACER.start_as_current_span("own"), TRACER.start_as_current_span("inner"):
            orders.place("tea")
        assert {span.name for span in recorder.spans} == {"own", "inner", "order"}


def test_what_was_begun_under_a_step_and_ends_after_it_is_not_exported_with_the_id_of_its_parent(shedding: Shedding) -> None:
    with installed(target("place", end=lambda _call, _result: shedding.follow(()))) as recorder:
        shedding.follow((ORDERS,))
        with TRACER.start_as_current_span("own"):
            orders.place("tea")
            orders.place("tea")
        spans = recorder.spans
    assert [span.name for span in spans] == ["order", "own"]
    assert len({span.span_id for span in spans}) == 2


def test_a_processor_that_comes_later_sees_no_more(shedding: Shedding) -> None:
    seen = []
    with installed(target("place")):
        shedding.follow((ORDERS,))
        inner, running = limits.ENDED, pipeline.PIPELINE
        assert running is not None

        def around(span: Any) -> None:
            inner(span)
            seen.append(span)

        limits.ENDED = running.ended = around  # type: ignore[method-assign]
        shedding.follow((ORDERS,))
        with TRACER.start_as_current_span("own"):
            orders.place("tea")
    assert [span.name for span in seen] == ["own"]


def test_everything_is_as_before_once_there_is_room(shedding: Shedding) -> None:
    with installed(target("place")) as recorder:
        before = tracer.STARTED, tracer.SAMPLER, LogQueue.put, capture.catch
        shedding.follow((Step(LOGS), ORDERS, Step(TRACES, 2)))
        assert all(
            now is not then
            for now, then in zip((tracer.STARTED, tracer.SAMPLER, LogQueue.put, capture.catch), before, strict=True)
        )
        shedding.follow(())
        assert (tracer.STARTED, tracer.SAMPLER, LogQueue.put, capture.catch) == before
        with TRACER.start_as_current_span("own"):
            orders.place("tea")
        assert {span.name for span in recorder.spans} == {"own", "order"}


# --- whole traces ---------------------------------------------------------------------------------------------------------


def test_traces_are_left_out_whole_and_the_durations_in_them_are_counted(shedding: Shedding) -> None:
    with installed(target("place")) as recorder:
        shedding.follow((Step(TRACES, 4),))
        for _ in range(400):
            with TRACER.start_as_current_span("own"):
                orders.place("tea")
        traces: dict[str, set[str]] = {}
        for span in recorder.spans:
            traces.setdefault(span.trace_id, set()).add(span.name)
        assert recorder.durations(DURATION.name) == {(("order.kind", "toy"),): 400}
    assert 50 < len(traces) < 150
    assert all(names == {"own", "order"} for names in traces.values())
    assert shedding.shed.traces == 400 - len(traces)


def test_a_trace_that_a_caller_has_begun_is_kept(shedding: Shedding) -> None:
    with installed(target("place")) as recorder:
        shedding.follow((Step(TRACES, 64),))
        for number in range(20):
            CURRENT.set(Ambient((1 << 127) + (1 << 64) - 1 - number, 7, SAMPLED, remote=True))
            orders.place("tea")
        CURRENT.set(None)
        assert len(recorder.spans) == 20


def test_the_next_step_thins_what_the_service_samples_not_what_the_last_one_left(shedding: Shedding) -> None:
    inner = tracer.SAMPLER
    for kept_of in (2, 4, 8):
        shedding.follow((Step(TRACES, kept_of),))
        assert isinstance(tracer.SAMPLER, Thinned)
        assert tracer.SAMPLER.inner is inner
    shedding.follow((Step(TRACES, 2), Step(TRACES, 4)))
    assert tracer.SAMPLER.description.endswith("/4")


@pytest.mark.parametrize("sampler", [Sampler(), ParentBased(Sampler())])
def test_below_what_is_left_out_nothing_is_sampled_by_any_sampler(shedding: Shedding, sampler: Sampler) -> None:
    with installed(target("place")) as recorder:
        tracer.use(sampler)
        shedding.follow((Step(TRACES, 64),))
        for _ in range(100):
            with TRACER.start_as_current_span("own"):
                orders.place("tea")
        names = [span.name for span in recorder.spans]
    assert names.count("own") == names.count("order") < 50


def test_what_the_service_does_not_sample_is_not_counted_as_left_out(shedding: Shedding) -> None:
    with installed(target("place")):
        tracer.use(ParentBased(AlwaysOff()))
        shedding.follow((Step(TRACES, 64),))
        for _ in range(20):
            orders.place("tea")
    assert shedding.shed.traces == 0


# --- records of logs ------------------------------------------------------------------------------------------------------


def test_records_below_warning_go_and_the_others_stay(shedding: Shedding) -> None:
    with installed(target("place")):
        running = pipeline.PIPELINE
        assert running is not None
        running.worker.hold()
        queue = LogQueue(running.settings, running.worker)
        rendered = []

        class Told:
            def __str__(self) -> str:
                rendered.append(1)
                return "told"

        def log(level: int) -> None:
            record = logging.LogRecord("shop", level, __file__, 1, "%s", (Told(),), None)
            capture.catch(queue, logging.getLogger("shop"), record)

        shedding.follow((Step(LOGS),))
        for level in (logging.DEBUG, logging.INFO, 25, logging.WARNING, logging.ERROR, logging.CRITICAL):
            log(level)
        assert [record.site.text for record in queue.records] == ["WARNING", "ERROR", "CRITICAL"]
        assert len(rendered) == 3
        assert shedding.shed.logs == 3
        shedding.follow(())
        log(logging.INFO)
        assert queue.records[-1].site.text == "INFO"


def test_who_has_come_around_what_takes_records_is_left_there(shedding: Shedding, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "catch", capture.catch)
    before = capture.catch
    shedding.follow((Step(LOGS),))
    inner = capture.catch

    def around(*given: Any) -> None:
        inner(*given)

    monkeypatch.setattr(capture, "catch", around)
    shedding.follow(())
    assert capture.catch is around
    assert inner is not before


def test_a_fork_child_has_everything_and_counts_from_zero(shedding: Shedding) -> None:
    with installed(target("place")) as recorder:
        shedding.follow((Step(LOGS), ORDERS, Step(TRACES, 2)))
        with TRACER.start_as_current_span("own"):
            orders.place("tea")
        shedding.renew()
        assert (shedding.shed.logs, shedding.shed.spans, shedding.shed.traces) == (0, 0, 0)
        recorder.clear()
        with TRACER.start_as_current_span("own"):
            orders.place("tea")
        assert {span.name for span in recorder.spans} == {"own", "order"}
