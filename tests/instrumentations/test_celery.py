"""Celery: a task is one span where it is sent and one where it runs, in one trace, whatever carries it and whoever runs it."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
import uuid
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("celery", reason="not in this environment: the matrix has it")

from celery import Celery, chain, chord, group, signals
from celery.beat import Scheduler
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Ignore, Reject, Retry
from kombu import Connection, Exchange, Queue
from kombu.asynchronous import set_event_loop
from kombu.exceptions import OperationalError

from platform_instrument.engine import apply
from platform_instrument.semantics import celery as semantics
from platform_instrument.telemetry import choices, facts, facts_shown, pipeline, printed, tracer
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing import received
from tests.instrumentations.recording import TRACE_ID, Recording, ids, inside, recording
from tests.processes import HOST, accepts, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::PendingDeprecationWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
"""What Celery calls and leaves open is none of ours."""
ALL = ("celery", "celery_worker", "redis")
RABBITMQ = os.environ.get("PLATFORM_TEST_RABBITMQ_URL", f"amqp://guest:guest@{HOST}:5672//")

for module in (
    "celery.app.trace",
    "celery.backends.redis",
    "celery.concurrency.prefork",
    "celery.worker.consumer.consumer",
    "kombu.messaging",
    "kombu.transport.redis",
):
    importlib.import_module(module)  # what the patches wait for


class Shop:
    """An application with its tasks, and what they saw."""

    def __init__(self, app: Celery) -> None:
        self.app = app
        self.seen: list[Any] = []
        self.baggage: list[Any] = []
        app.baggage = self.baggage
        seen = self.seen

        @app.task(shared=False, name="shop.add", bind=True)
        def add(self: Any, one: Any, other: Any = "") -> Any:
            seen.append(self.request.headers)
            current = CURRENT.get()
            self.app.baggage.append(current and current.local and current.local.baggage)
            return one + other

        @app.task(shared=False, name="shop.fail")
        def fail(text: str) -> None:
            raise LookupError(text)

        @app.task(shared=False, name="shop.expect", throws=(LookupError,))
        def expect() -> None:
            raise LookupError

        @app.task(shared=False, name="shop.again", bind=True, max_retries=1)
        def again(self: Any, key: str = "") -> str:
            seen.append(self.request.headers)
            if self.request.retries < 1:
                raise self.retry(countdown=0, exc=LookupError("not yet"))
            return key

        @app.task(shared=False, name="shop.say")
        def say(kind: str) -> None:
            seen.append(kind)
            raise Reject("no", requeue=False) if kind == "reject" else Ignore

        @app.task(shared=False, name="shop.leave")
        def leave() -> None:
            CURRENT.set(Ambient(1, 2, 1))

        self.add, self.fail, self.expect, self.again, self.say, self.leave = add, fail, expect, again, say, leave

    def seen_after(self, count: int) -> list[Any]:
        """Return what the tasks saw, once that is so much."""
        deadline = time.monotonic() + 10
        while len(self.seen) < count:
            assert time.monotonic() < deadline, self.seen
            time.sleep(0.01)
        return self.seen


def shop(broker: str, backend: str, **settings: Any) -> Shop:
    """Return an application with a queue of its own."""
    app = Celery("shop", broker=broker, backend=backend, set_as_current=False)
    app.conf.update(task_default_queue=f"shop-{uuid.uuid4().hex[:8]}", broker_connection_retry_on_startup=True, **settings)
    return Shop(app)


@contextlib.contextmanager
def working(place: Shop) -> Iterator[Shop]:
    """Have a worker in a thread, which runs one task after another; the loop of an earlier one would keep that one's timer."""
    set_event_loop(None)
    with start_worker(place.app, perform_ping_check=False, pool="solo", shutdown_timeout=20):
        yield place


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording(*ALL) as running:
        yield running


@pytest.fixture
def redis_broker(redis_url: str) -> str:
    return f"{redis_url.rpartition('/')[0]}/8"


@pytest.fixture
def place(recorded: Recording, redis_broker: str) -> Iterator[Shop]:
    with working(shop(redis_broker, redis_broker)) as running:
        recorded.clear()
        yield running


def take(recorded: Recording, count: int) -> dict[str, received.Span]:
    """Return the spans of tasks by their names, once there are so many; a result is told before its task has ended."""
    return {span.name: span for span in take_all(recorded, count)}


def take_all(recorded: Recording, count: int) -> list[received.Span]:
    """Return the spans of tasks in the order in which they began; commands are told apart by those who want them."""
    deadline = time.monotonic() + 10
    while True:
        spans = [span for span in recorded.spans if span.kind in {"PRODUCER", "CONSUMER"}]
        if len(spans) >= count or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert len(spans) == count, [span.name for span in spans]
    return sorted(spans, key=lambda span: span.start_ns)


def counters() -> dict[str, list[tuple[dict[str, Any], float | None]]]:
    """Return attributes and value of each series of the counters of messages."""
    found: dict[str, list[tuple[dict[str, Any], float | None]]] = {}
    for point in received.points(MetricEncoder({}).encode(METRICS)):
        if point.name.endswith("messages"):
            assert (point.kind, point.unit) == ("sum", "{message}")
            found.setdefault(point.name, []).append((dict(point.attributes), point.value))
    return found


def common(place: Shop, name: str, task: str) -> dict[str, Any]:
    """Return the attributes that spans and series of a task have."""
    broker = urlsplit(place.app.conf.broker_url)
    return {
        "messaging.system": "redis",
        "messaging.operation.name": name,
        "messaging.operation.type": name,
        "messaging.destination.name": place.app.conf.task_default_queue,
        "server.address": broker.hostname,
        "server.port": broker.port or 6379,
        "celery.task_name": task,
    }


def test_a_task_is_one_span_where_it_is_sent_and_one_below_where_it_runs(recorded: Recording, place: Shop) -> None:
    with inside() as parent:
        result = place.add.delay("s3cret", "s3cret")
        assert result.get(timeout=10) == "s3cret" * 2
    spans = take(recorded, 2)
    sent, run = spans["send shop.add"], spans["process shop.add"]
    about = {"messaging.message.id": result.id, "messaging.message.conversation_id": result.id}
    assert sent.kind == "PRODUCER"
    assert sent.attributes == {**common(place, "send", "shop.add"), **about, "celery.action": "apply_async"}
    assert (sent.trace_id, sent.parent_id) == ids(parent)
    assert run.kind == "CONSUMER"
    hostname = run.attributes.pop("celery.hostname")
    assert "@" in hostname or hostname
    assert run.attributes == {
        **common(place, "process", "shop.add"), **about, "celery.action": "run", "celery.state": "SUCCESS",
    }  # fmt: skip
    assert (run.trace_id, run.parent_id) == (sent.trace_id, sent.span_id)
    assert [(link.trace_id, link.span_id) for link in run.links] == [(sent.trace_id, sent.span_id)]
    assert (sent.status, run.status) == ("UNSET", "UNSET")
    assert sent.scope.name == run.scope.name == "platform_instrument.celery"
    assert "s3cret" not in repr(recorded.spans)


def test_tasks_are_counted_and_timed_by_their_name(recorded: Recording, place: Shop) -> None:
    place.add.delay(1, 2).get(timeout=10)
    with pytest.raises(LookupError):
        place.fail.delay("no").get(timeout=10)
    take(recorded, 4)
    sent, run = common(place, "send", "shop.add"), common(place, "process", "shop.add")
    failed = {**common(place, "process", "shop.fail"), "error.type": "LookupError"}
    assert (sent, 1) in recorded.counted("messaging.client.operation.duration")
    timed = recorded.counted("messaging.process.duration")
    assert (run, 1) in timed
    assert (failed, 1) in timed
    counted = counters()
    assert (sent, 1) in counted["messaging.client.sent.messages"]
    assert (run, 1) in counted["messaging.client.consumed.messages"]
    assert (failed, 1) in counted["messaging.client.consumed.messages"]


def test_what_celery_does_for_itself_is_not_observed(recorded: Recording, redis_broker: str) -> None:
    place = shop(redis_broker, redis_broker, task_track_started=True, worker_send_task_events=True, task_send_sent_event=True)
    with working(place):
        place.add.apply_async((1, 2), countdown=0.1)
        place.seen_after(1)
        take(recorded, 2)
        time.sleep(1.2)  # it polls meanwhile
    assert recorded.names == ["send shop.add", "process shop.add"]
    assert recorded.counted() == []


def test_what_the_application_asks_of_the_result_backend_is_observed(recorded: Recording, place: Shop) -> None:
    result = place.add.delay(1, 2)
    result.get(timeout=10)
    recorded.take()
    assert place.app.AsyncResult(result.id).state == "SUCCESS"
    assert recorded.names == ["GET"]


def test_a_task_that_fails_is_an_error_with_its_exception_once(recorded: Recording, place: Shop) -> None:
    with pytest.raises(LookupError, match="out of stock"):
        place.fail.delay("out of stock").get(timeout=10)
    spans = take(recorded, 2)
    run = spans["process shop.fail"]
    assert run.status == "ERROR"
    assert (run.attributes["celery.state"], run.attributes["error.type"]) == ("FAILURE", "LookupError")
    (event,) = run.events
    assert (event.name, event.attributes["exception.type"]) == ("exception", "LookupError")
    assert event.attributes["exception.message"] == "out of stock"
    assert "in fail" in event.attributes["exception.stacktrace"]
    assert spans["send shop.fail"].status == "UNSET"


def test_what_a_task_is_expected_to_raise_is_no_error(recorded: Recording, place: Shop) -> None:
    with pytest.raises(LookupError):
        place.expect.delay().get(timeout=10)
    run = take(recorded, 2)["process shop.expect"]
    assert (run.status, run.events, run.attributes["celery.state"]) == ("UNSET", (), "FAILURE")
    assert "error.type" not in run.attributes


def test_a_retry_is_no_error_and_stays_in_the_trace(recorded: Recording, place: Shop) -> None:
    assert place.again.apply_async(("tea",), headers={"tenant": "acme"}).get(timeout=10) == "tea"
    spans = take_all(recorded, 4)
    assert [span.name for span in spans] == ["send shop.again", "process shop.again"] * 2
    sent, first, resent, second = spans
    assert [span.parent_id for span in spans] == ["", sent.span_id, first.span_id, resent.span_id]
    assert {span.status for span in spans} == {"UNSET"}
    assert [span.attributes.get("celery.state") for span in (first, second)] == ["RETRY", "SUCCESS"]
    assert first.attributes["celery.retry.reason"] == "Retry in 0s: LookupError('not yet')"
    assert [span.attributes.get("celery.retries") for span in spans] == [None, None, 1, 1]
    assert place.seen == [{"tenant": "acme"}] * 2


@pytest.mark.parametrize(("kind", "state"), [("reject", "REJECTED"), ("ignore", "IGNORED")])
def test_what_a_task_says_to_celery_is_no_error(recorded: Recording, place: Shop, kind: str, state: str) -> None:
    place.say.delay(kind)
    run = take(recorded, 2)["process shop.say"]
    assert (run.status, run.events, run.attributes["celery.state"]) == ("UNSET", (), state)


def test_a_task_that_is_revoked_is_not_processed(recorded: Recording, place: Shop) -> None:
    state = importlib.import_module("celery.worker.state")
    known = str(uuid.uuid4())
    state.revoked.add(known)
    place.add.apply_async((1, 2), task_id=known)
    place.add.delay(3, 4).get(timeout=10)
    spans = take_all(recorded, 3)
    assert [span.name for span in spans if span.attributes["messaging.message.id"] == known] == ["send shop.add"]


def test_a_task_for_later_says_when(recorded: Recording, place: Shop) -> None:
    eta = datetime.now(timezone.utc) + timedelta(seconds=0.2)
    place.add.apply_async((1, 2), eta=eta, expires=60, time_limit=30).get(timeout=10)
    spans = take(recorded, 2)
    for span in spans.values():
        assert span.attributes["celery.eta"] == eta.isoformat()
        assert span.attributes["celery.expires"] > span.attributes["celery.eta"]
        assert span.attributes["celery.timelimit"] == ("30", "")
    assert spans["process shop.add"].start_ns - spans["send shop.add"].end_ns > 50_000_000


def test_a_chain_is_one_trace(recorded: Recording, place: Shop) -> None:
    with inside() as parent:
        assert chain(place.add.s(1, 2), place.add.s(3), place.add.s(4))().get(timeout=10) == 10
    spans = take_all(recorded, 6)
    assert {span.trace_id for span in spans} == {ids(parent)[0]}
    assert [span.parent_id for span in spans] == [ids(parent)[1], *[span.span_id for span in spans[:-1]]]


def test_a_chord_is_one_trace_down_to_its_body(recorded: Recording, place: Shop) -> None:
    with inside() as parent:
        body = chord(group(place.add.s(value, value) for value in range(3)))(place.app.tasks["celery.accumulate"].s())
        assert body.get(timeout=10) is not None
    spans = take_all(recorded, 8)
    assert {span.trace_id for span in spans} == {ids(parent)[0]}
    by_id = {span.span_id: span for span in spans}
    last = next(span for span in spans if span.name == "process celery.accumulate")
    assert by_id[last.parent_id].name == "send celery.accumulate"
    assert by_id[by_id[last.parent_id].parent_id].name == "process shop.add"
    commands = {span.name for span in recorded.spans if span.kind == "CLIENT"}
    assert commands <= {"GET", "MGET"}, commands


def test_the_application_s_headers_say_what_they_said(recorded: Recording, place: Shop) -> None:
    own = {"tenant": "acme", "baggage": "mine=1"}
    with inside(baggage={"user": "u1"}):
        place.add.apply_async((1, 2), headers=own).get(timeout=10)
        place.add.delay(1, 2).get(timeout=10)
    assert place.seen == [{"tenant": "acme", "baggage": "mine=1"}, None]
    assert own == {"tenant": "acme", "baggage": "mine=1"}
    assert {span.trace_id for span in take_all(recorded, 4)} == {f"{TRACE_ID:032x}"}


def test_a_context_that_the_application_sends_itself_is_left_alone(recorded: Recording, place: Shop) -> None:
    own = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
    place.add.apply_async((1, 2), headers=own).get(timeout=10)
    assert place.seen == [own]
    run = take(recorded, 2)["process shop.add"]
    assert (run.trace_id, run.parent_id) == ("ab" * 16, "cd" * 8)


def test_baggage_and_the_id_of_the_request_go_along(redis_broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracer, "STARTED", None)
    monkeypatch.setattr(facts_shown._Shown, "by", None)
    for name in ("current_ids", "finished", "unsaid"):
        monkeypatch.setattr(printed, name, getattr(printed, name))
    told = {"PLATFORM_REQUEST_ID": "true"}
    with recording(*ALL, environ=told) as recorded, working(shop(redis_broker, redis_broker)) as place:
        choices.show_facts(pipeline.PIPELINE.settings)
        with inside(baggage={"tenant": "acme"}) as parent:
            facts.attach(parent).request_id = "order-7"
            place.add.delay(1, 2).get(timeout=10)
        run = take(recorded, 2)["process shop.add"]
        assert run.attributes["platform.request.id"] == "order-7"
        assert place.baggage == [{"tenant": "acme"}]
        assert place.seen == [None]


def test_a_sender_that_is_not_trusted_is_linked_alone(redis_broker: str) -> None:
    suspicious = {"PLATFORM_TRUST_INBOUND": "false"}
    with recording(*ALL, environ=suspicious) as recorded, working(shop(redis_broker, redis_broker)) as place:
        place.add.delay(1, 2).get(timeout=10)
        spans = take(recorded, 2)
    sent, run = spans["send shop.add"], spans["process shop.add"]
    assert (run.parent_id, run.trace_id == sent.trace_id) == ("", False)
    assert [(link.trace_id, link.span_id) for link in run.links] == [(sent.trace_id, sent.span_id)]


def test_a_task_of_a_sender_without_telemetry_is_a_root(recorded: Recording, place: Shop) -> None:
    apply.uninstall("celery")
    place.add.delay(1, 2).get(timeout=10)
    assert recorded.names.count("process shop.add") == 0, "what runs tasks passes, once it is not observed"
    celery = importlib.import_module("platform_instrument.instrumentations.celery").INSTRUMENTATION
    place.add.apply_async((1, 2), countdown=0.3)
    assert apply.install(celery).status == "patched"
    place.seen_after(2)
    run = take_all(recorded, 1)[0]
    assert (run.name, run.parent_id, run.links) == ("process shop.add", "", ())


def test_the_first_protocol_carries_the_context_too(recorded: Recording, redis_broker: str) -> None:
    with working(shop(redis_broker, redis_broker, task_protocol=1)) as place:
        place.add.apply_async((1, 2), headers={"tenant": "acme"}).get(timeout=10)
        spans = take(recorded, 2)
    assert spans["process shop.add"].parent_id == spans["send shop.add"].span_id
    assert place.seen == [{"meth": None, "tenant": "acme"}]


@pytest.mark.parametrize("by", ["setting", "call"])
def test_a_task_within_the_process_is_one_span_below_its_caller(recorded: Recording, redis_broker: str, by: str) -> None:
    place = shop(redis_broker, redis_broker, task_always_eager=by == "setting")
    with inside() as parent:
        result = place.add.delay(1, 2) if by == "setting" else place.add.apply((1, 2))
        assert (result.get(), result.state) == (3, "SUCCESS")
    span = recorded.one()
    assert (span.name, span.kind, span.links) == ("process shop.add", "INTERNAL", ())
    assert (span.trace_id, span.parent_id) == ids(parent)
    del span.attributes["messaging.message.id"]
    span.attributes.pop("celery.hostname", None)
    assert span.attributes == {
        "messaging.system": "celery", "messaging.operation.name": "process", "messaging.operation.type": "process",
        "celery.task_name": "shop.add", "celery.action": "run", "celery.state": "SUCCESS",
    }  # fmt: skip


def test_what_an_eager_task_raises_is_the_caller_s_and_recorded_once(recorded: Recording, redis_broker: str) -> None:
    place = shop(redis_broker, redis_broker, task_always_eager=True, task_eager_propagates=True)
    with pytest.raises(LookupError, match="no tea") as raised:
        place.fail.delay("no tea")
    if sys.version_info >= (3, 11):  # CPython 3.10 puts our frame back
        assert "platform_instrument" not in "".join(str(entry.path) for entry in raised.traceback)
    span = recorded.one()
    assert (span.status, len(span.events), span.attributes["error.type"]) == ("ERROR", 1, "LookupError")
    with pytest.raises(Retry):
        place.again.delay("tea")
    span = recorded.one()
    assert (span.status, span.events, span.attributes["celery.state"]) == ("UNSET", (), "RETRY")


def test_a_broker_that_is_not_there_is_an_error_of_sending(recorded: Recording) -> None:
    place = shop(f"amqp://{HOST}:{free_port()}//", "cache+memory://", broker_connection_timeout=1)
    with pytest.raises(OperationalError):
        place.add.apply_async((1, 2), retry=False)
    span = recorded.one()
    assert (span.name, span.status) == ("send shop.add", "ERROR")
    assert span.attributes["error.type"]
    ((series, count),) = counters()["messaging.client.sent.messages"]
    assert (series["error.type"], count) == (span.attributes["error.type"], 1)


def test_nothing_that_a_task_leaves_current_is_there_for_the_next(recorded: Recording, place: Shop) -> None:
    found: list[Any] = []

    def note(**_: Any) -> None:
        found.append(CURRENT.get())

    signals.task_received.connect(note)
    try:
        for task in (place.leave, place.fail, place.leave):
            with contextlib.suppress(LookupError):
                task.delay(*(["no"] if task is place.fail else [])).get(timeout=10)
    finally:
        signals.task_received.disconnect(note)
    assert found == [None] * 3
    take_all(recorded, 6)


def test_each_tick_of_beat_is_a_trace_of_its_own(recorded: Recording, place: Shop) -> None:
    place.app.conf.beat_schedule = {"often": {"task": "shop.add", "schedule": 0.01, "args": (1, 2)}}
    scheduler = Scheduler(place.app, lazy=True)
    scheduler.setup_schedule()
    while len(place.seen) < 2:
        time.sleep(max(min(scheduler.tick(), 0.05), 0))
    ticks = [span for span in recorded.spans if span.name == "send shop.add"]
    assert {span.parent_id for span in ticks} == {""}
    assert len({span.trace_id for span in ticks}) == len(ticks) >= 2


@pytest.mark.faults
def test_a_fault_of_ours_is_nobody_s_business(recorded: Recording, place: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError

    for name in ("sent_as", "called", "details", "without_ours"):
        with monkeypatch.context() as patched:
            patched.setattr(semantics, name, broken)
            assert place.add.delay(name, "!").get(timeout=10) == f"{name}!"
    assert place.seen_after(4) is place.seen
    assert len(place.seen) == 4
    assert CURRENT.get() is None
    recorded.take()


def test_messages_that_call_no_task_are_none_of_ours(recorded: Recording) -> None:
    with Connection("memory://") as connection:
        connection.Producer().publish({"id": 1}, routing_key="other", headers={"task": "x"})
    assert recorded.names == []


def test_a_broker_in_memory_has_no_address(recorded: Recording) -> None:
    place = shop("memory://", "cache+memory://")
    with working(place):
        place.add.delay(1, 2)
        place.seen_after(1)
        for span in take_all(recorded, 2):
            assert span.attributes["messaging.system"] == "memory"
            assert "server.address" not in span.attributes


def test_a_broker_that_is_a_database_is_reached_without_a_statement_s_span(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="not in this environment")
    with recording("celery", "sqlite3") as recorded:
        shop(f"sqla+sqlite:///{tmp_path}/queue", "cache+memory://").add.delay(1, 2)
        span = recorded.one()
    assert (span.name, span.attributes["messaging.system"]) == ("send shop.add", "sql")


@pytest.fixture
def rabbitmq() -> str:
    address = urlsplit(RABBITMQ)
    if not accepts(address.port or 5672):
        pytest.skip(f"no RabbitMQ on port {address.port or 5672}, PLATFORM_TEST_RABBITMQ_URL not set")
    return RABBITMQ


def test_rabbitmq_says_exchange_and_routing_key(recorded: Recording, rabbitmq: str, redis_broker: str) -> None:
    place = shop(rabbitmq, redis_broker)
    name = place.app.conf.task_default_queue
    topics = Exchange(f"{name}-topics", type="topic", auto_delete=True)
    place.app.conf.task_queues = (
        Queue(name, Exchange(name, type="direct"), routing_key=name, expires=60),
        Queue(f"{name}-tea", topics, routing_key="order.#", expires=60),
    )
    with working(place), inside():
        place.add.delay(1, 2).get(timeout=10)
        place.add.apply_async((1, 2), exchange=topics, routing_key="order.tea").get(timeout=10)
        spans = take_all(recorded, 4)
    direct, routed = spans[:2], spans[2:]
    for pair, destination, key in ((direct, name, name), (routed, f"{name}-topics:order.tea", "order.tea")):
        assert pair[1].parent_id == pair[0].span_id
        for span in pair:
            assert span.attributes["messaging.system"] == "rabbitmq"
            assert span.attributes["messaging.destination.name"] == destination
            assert span.attributes["messaging.rabbitmq.destination.routing_key"] == key
            assert span.attributes["server.port"] == (urlsplit(rabbitmq).port or 5672)


def test_a_url_that_holds_a_secret_is_no_address() -> None:
    place = shop("sqs://key:s3cret@", "cache+memory://")
    with contextlib.suppress(ImportError):
        found = semantics.broker_of(place.app.connection_for_write())
        assert (found.system, found.address, found.port) == ("aws_sqs", "", 0)
