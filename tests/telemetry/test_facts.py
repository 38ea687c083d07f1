"""Facts of a request: on its span, below it, on its lines and records; bounded, masked, and never another request's."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import logging.handlers
import queue
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument import request_id, set_attributes
from platform_instrument.core.values import CLIENT, INTERNAL, SERVER, Operation
from platform_instrument.engine import apply
from platform_instrument.instrumentations.std_logging import INSTRUMENTATION
from platform_instrument.telemetry import facts_shown, limits, pipeline, printed, tracer
from platform_instrument.telemetry.context import CURRENT, SERVED, Ambient, Local, local_of_request
from platform_instrument.telemetry.facts import LONGEST, MOST, attach, facts_of
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.testing.recorder import recording
from tests.processes import door, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_instrument.telemetry.span import Span
    from platform_instrument.testing.recorder import Recorder

SCOPE = own_scope("test")


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Record spans, with facts shown, and nothing of it afterwards."""
    monkeypatch.setattr(tracer, "STARTED", None)
    for name in ("current_ids", "finished", "unsaid"):
        monkeypatch.setattr(printed, name, getattr(printed, name))
    monkeypatch.setattr(facts_shown._Shown, "by", None)
    with recording() as recorder:
        facts_shown.put_in_force()
        apply.install(INSTRUMENTATION)
        yield recorder
        apply.uninstall("logging")


@contextmanager
def span(name: str, kind: int = INTERNAL, **attributes: Any) -> Iterator[Span]:
    """Open a span of ours and make it current."""
    operation = Operation(name, kind, {"operation": name})
    opened = tracer.start(name, kind, operation, attributes or None, SCOPE, CURRENT.get(), 0)
    token = CURRENT.set(opened)
    yield opened
    CURRENT.reset(token)
    opened.end_ns = opened.start_ns + 1
    assert pipeline.PIPELINE is not None
    pipeline.PIPELINE.ended(opened)


def attributes(recorder: Recorder) -> dict[str, dict[str, Any]]:
    """Return the attributes of each span besides its operation's."""
    return {each.name: {key: value for key, value in each.attributes.items() if key != "operation"} for each in recorder.spans}


def lines(formatter: logging.Formatter | None = None) -> tuple[logging.Logger, io.StringIO]:
    """Return a logger of its own and what its handler prints."""
    stream = io.StringIO()
    logger = logging.Logger("shop", logging.DEBUG)  # noqa: LOG001 - one that no other test knows
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    return logger, stream


def tail(line: str) -> str:
    """Return what follows the ids."""
    return line.partition(" span_id=")[2][16:].rstrip("\n")


def test_facts_are_on_the_request_s_span_and_on_those_begun_afterwards(recorder: Recorder) -> None:
    with span("request", SERVER), span("handler"):
        with span("before"), span("login"):
            set_attributes({"order.id": 7, "paid": True}, user_id="7", tenant_id="acme", plan="gold")
        with span("after", CLIENT, plan="its own"):
            pass
    facts = {"order.id": 7, "paid": True, "user.id": "7", "tenant.id": "acme", "plan": "gold"}
    assert attributes(recorder) == {
        "request": facts,
        "handler": {},
        "before": {},
        "login": {},
        "after": {**facts, "plan": "its own"},
    }


def test_what_an_operation_says_itself_is_not_said_by_a_fact(recorder: Recorder) -> None:
    with span("request", SERVER):
        set_attributes({"operation": "a fact", "a": 1})
        with span("query", CLIENT):
            pass
    assert {each.name: each.attributes["operation"] for each in recorder.spans} == {"query": "query", "request": "a fact"}


def test_who_is_told_of_new_spans_sees_the_facts_on_them(recorder: Recorder) -> None:
    seen: dict[str, Any] = {}
    tracer.watch(lambda span, _parent: seen.update({span.name: {**(span.own_attributes or {})}}))
    with span("request", SERVER):
        set_attributes(user_id="7")
        with span("query", CLIENT):
            pass
    assert seen == {"request": {}, "query": {"user.id": "7"}}
    assert len(recorder.spans) == 2


def test_a_request_within_a_request_has_facts_of_its_own(recorder: Recorder) -> None:
    with span("outer", SERVER):
        set_attributes(user_id="1")
        with span("inner", SERVER):
            set_attributes(plan="gold")
    assert attributes(recorder) == {"outer": {"user.id": "1"}, "inner": {"plan": "gold"}}


def test_outside_of_a_request_they_belong_to_the_current_span_and_without_one_nothing_happens(recorder: Recorder) -> None:
    set_attributes(user_id="0")
    caller = CURRENT.set(Ambient(1, 2, 1, remote=True))
    set_attributes(user_id="0")
    CURRENT.reset(caller)
    assert CURRENT.get() is None
    with span("script"):
        set_attributes(user_id="1")
        with span("query", CLIENT):
            pass
    assert attributes(recorder) == {"query": {"user.id": "1"}, "script": {"user.id": "1"}}


@pytest.mark.usefixtures("recorder")
def test_every_line_has_them_after_the_ids_once_they_are_known() -> None:
    log, stream = lines(logging.Formatter("%(levelname)s %(message)s"))
    with span("request", SERVER), span("handler"):
        log.info("began")
        with span("login"):
            set_attributes(user_id="7", name="Ann Lee", odd='a"b\n=c', number=1.5, many=["a", 2])
        log.info("paid")
        log.info("in\ntwo")
    log.info("over")
    first, second, third, _, last = stream.getvalue().splitlines()
    told = ' user.id=7 name="Ann Lee" odd="a\\"b\\n=c" number=1.5 many=["a", 2]'
    assert (tail(first), tail(second), tail(third), last) == ("", told, told, "INFO over")


class Json(logging.Formatter):
    """A service's own JSON."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"message": record.getMessage(), **getattr(record, "fields", {})})


@pytest.mark.usefixtures("recorder")
def test_a_json_line_gets_members_and_its_own_win() -> None:
    log, stream = lines(Json())
    with span("request", SERVER) as request:
        set_attributes(user_id="7", plan='"\n')
        log.info("a")
        log.info("b", extra={"fields": {"user.id": "its own", "x": {"plan": 1}}})
        log.info('"user.id"', extra={"fields": {"user.id": 1, "plan": 2, "trace_id": "mine"}})
    ids = {"trace_id": f"{request.trace_id:032x}", "span_id": f"{request.span_id:016x}"}
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"message": "a", "user.id": "7", "plan": '"\n', **ids},
        {"message": "b", "user.id": "its own", "x": {"plan": 1}, "plan": '"\n', **ids},
        {"message": '"user.id"', "user.id": 1, "plan": 2, "trace_id": "mine"},
    ]


@pytest.mark.usefixtures("recorder")
def test_a_text_line_that_says_so_itself_is_not_told_again() -> None:
    log, stream = lines(logging.Formatter("%(message)s user.id=%(user)s"))
    with span("request", SERVER):
        set_attributes(user_id="7", plan="gold")
        log.info("a", extra={"user": 9})
    assert tail(stream.getvalue()) == " plan=gold"
    assert stream.getvalue().count("user.id=") == 1


@pytest.mark.usefixtures("recorder")
def test_a_context_of_the_api_s_within_a_request_has_its_facts() -> None:
    from opentelemetry import baggage, context

    from platform_instrument.telemetry.bridge import current_of

    log, stream = lines()
    with span("request", SERVER):
        token = CURRENT.set(current_of(baggage.set_baggage("a", "1", context.Context()), CURRENT.get()))
        set_attributes(user_id="7")
        CURRENT.reset(token)
        log.info("a")
    assert tail(stream.getvalue()) == " user.id=7"


def test_another_trace_within_a_request_has_none_of_its_facts(recorder: Recorder) -> None:
    """A consumer that was started by a request takes the contexts of its messages."""
    from opentelemetry import context, trace

    from platform_instrument.telemetry.bridge import current_of

    log, stream = lines()
    caller = trace.SpanContext(5, 6, is_remote=True, trace_flags=trace.TraceFlags(1))
    theirs = trace.set_span_in_context(trace.NonRecordingSpan(caller), context.Context())
    with span("request", SERVER):
        set_attributes(user_id="7")
        for foreign in (theirs, context.Context()):
            token = CURRENT.set(current_of(foreign, CURRENT.get()))
            log.info("a")
            with span("message"):
                log.info("b")
                set_attributes(plan="gold")
                log.info("c")
            CURRENT.reset(token)
    told = [tail(line) for line in stream.getvalue().splitlines()]
    assert told == ["", "", " plan=gold", "", "", " plan=gold"]
    found = sorted((each.name, each.attributes.get("plan", ""), each.attributes.get("user.id", "")) for each in recorder.spans)
    assert found == [("message", "gold", ""), ("message", "gold", ""), ("request", "", "7")]


@pytest.mark.usefixtures("recorder")
def test_a_task_that_outlives_a_request_and_serves_another_trace_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracer, "STARTED", None)
    log, stream = lines()
    with span("request", SERVER) as request:
        attach(request).put("user.id", "7")
    token = SERVED.set(SimpleNamespace(span=request))
    with span("another"):
        log.info("a")
    SERVED.reset(token)
    assert tail(stream.getvalue()) == ""


@pytest.mark.usefixtures("recorder")
def test_where_lines_carry_no_ids_they_carry_no_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pipeline.PIPELINE is not None
    monkeypatch.setattr(pipeline.PIPELINE.settings, "log_trace_id", False)
    log, stream = lines()
    with span("request", SERVER):
        set_attributes(user_id="7")
        log.info("a")
    assert stream.getvalue() == "a\n"


@pytest.mark.usefixtures("recorder")
def test_a_queue_between_changes_nothing() -> None:
    _, stream = lines()
    waiting: queue.Queue[Any] = queue.Queue()
    log = logging.Logger("shop", logging.DEBUG)  # noqa: LOG001 - as above
    log.addHandler(logging.handlers.QueueHandler(waiting))
    printing = logging.StreamHandler(stream)
    printing.setFormatter(logging.Formatter("%(message)s|"))
    with span("request", SERVER):
        set_attributes(user_id="7")
        log.info("a")
        set_attributes(user_id="8")
        log.info("b")
    listener = logging.handlers.QueueListener(waiting, printing)
    listener.start()
    listener.stop()
    first, second = stream.getvalue().splitlines()
    assert (first[:12], tail(first)) == ("a| trace_id=", " user.id=7")
    assert (second[:12], tail(second)) == ("b| trace_id=", " user.id=8")


def test_values_are_masked_on_spans_and_lines(recorder: Recorder) -> None:
    log, stream = lines()
    with span("request", SERVER):
        set_attributes(user_id="bob@example.com", note="call +1 415 555 2671", password="hunter2")
        log.info("a")
    masked = {"user.id": "[email]", "note": "call [phone]", "password": "[secret]"}
    assert attributes(recorder) == {"request": masked}
    assert tail(stream.getvalue()) == ' user.id=[email] note="call [phone]" password=[secret]'


def test_pseudonyms_are_the_same_on_spans_and_lines(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    from platform_instrument.privacy import pii
    from platform_instrument.privacy.labels import DEFAULT, Labels

    monkeypatch.setattr(pii, "ACTIVE", Labels({**DEFAULT, "email": "hash"}, "key"))
    log, stream = lines()
    with span("request", SERVER):
        set_attributes(user_id="bob@example.com")
        log.info("a")
    pseudonym = attributes(recorder)["request"]["user.id"]
    assert pseudonym.startswith("[email:")
    assert tail(stream.getvalue()) == f" user.id={pseudonym}"


def test_count_names_and_sizes_are_bounded_and_what_is_left_out_is_counted(
    recorder: Recorder, capfd: pytest.CaptureFixture[str]
) -> None:
    with span("request", SERVER):
        set_attributes({f"n{number}": number for number in range(MOST + 3)})
        set_attributes({"n0": "x" * (LONGEST + 50), "a b": 1, "": 2, 3: 4, "ü": 5, "x" * 65: 6, "none": None})
    (request,) = recorder.spans
    kept = attributes(recorder)["request"]
    assert list(kept) == [f"n{number}" for number in range(MOST)]
    assert len(kept["n0"]) <= LONGEST
    assert request.dropped_attributes == 3 + 5
    assert capfd.readouterr().err.count("an attribute of a request was left out") == 1


def test_limits_of_spans_hold_below_a_request_too(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.LIMITS, "span_attributes", 2)
    monkeypatch.setattr(limits.LIMITS, "span_value_length", 3)
    with span("request", SERVER):
        set_attributes({"a": "12345", "b": 2, "c": 3})
        with span("query", CLIENT, own=1):
            pass
    dropped = {each.name: each.dropped_attributes for each in recorder.spans}
    assert attributes(recorder) == {"query": {"own": 1, "a": "123"}, "request": {"a": "123", "b": 2}}
    assert dropped == {"query": 2, "request": 1}


class Odd:
    """A value that can be nothing."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.faults
def test_nothing_that_is_given_raises(recorder: Recorder) -> None:
    with span("request", SERVER):
        set_attributes([1, 2])  # type: ignore[arg-type] # what an application may do
        set_attributes(7)  # type: ignore[arg-type] # as above
        set_attributes({"odd": Odd(), "fine": object, "nested": {"a": {"b": 1}}})
    kept = attributes(recorder)["request"]
    assert kept["nested"] == '{"a":{"b":1}}'
    assert "odd" not in kept


def test_two_hundred_tasks_and_their_threads_never_see_another_s(recorder: Recorder) -> None:
    log, stream = lines()

    async def serve(number: int) -> None:
        with span("request", SERVER):
            set_attributes(user_id=str(number))
            for _ in range(3):
                await asyncio.sleep(0)
                log.info("%d", number)
            context = copy_context()
            await asyncio.get_running_loop().run_in_executor(pool, context.run, log.info, "%d", number)
            await asyncio.gather(*[below(number) for _ in range(2)])
        log.info("%d done", number)

    async def below(number: int) -> None:
        with span("below"):
            await asyncio.sleep(0)
            log.info("%d", number)

    async def all_of_them() -> None:
        await asyncio.gather(*[serve(number) for number in range(200)])

    with ThreadPoolExecutor(8) as pool:
        asyncio.run(all_of_them())
    printed_lines = stream.getvalue().splitlines()
    assert len(printed_lines) == 200 * 7
    for line in printed_lines:
        number = line.split()[0]
        assert tail(line) == ("" if line.endswith("done") else f" user.id={number}"), line
    assert all("user.id" in each.attributes for each in recorder.spans if each.name == "below")


def test_what_the_first_request_says_before_anything_was_asked_for_reaches_its_span(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracer, "STARTED", None)
    monkeypatch.setattr(facts_shown._Shown, "by", None)
    with span("request", SERVER) as request:
        assert facts_of(request) is None
        set_attributes(user_id="7")
        with span("query", CLIENT):
            pass
    assert attributes(recorder) == {"query": {"user.id": "7"}, "request": {"user.id": "7"}}


def test_what_travels_with_a_request_has_every_field() -> None:
    made, usual = local_of_request("facts"), Local(request="facts")
    assert {name: getattr(made, name) for name in Local.__slots__} == {name: getattr(usual, name) for name in Local.__slots__}


def test_there_is_no_request_id_unless_it_is_asked_for() -> None:
    assert request_id() is None


LIGHT = """
import sys
before = set(sys.modules)
import platform_instrument
print(len([name for name in set(sys.modules) - before if "platform_instrument" in name]))
platform_instrument.set_attributes(user_id="7")
print(platform_instrument.request_id(), "platform_instrument.telemetry.pipeline" in sys.modules)
import logging
logging.warning("plain")
"""


@pytest.mark.parametrize("env", [None, {"PLATFORM_ENABLED": "false"}])
def test_without_telemetry_nothing_is_loaded_and_nothing_happens(tmp_path: Path, env: dict[str, str] | None) -> None:
    file = tmp_path / "program.py"
    file.write_text(LIGHT)
    argv, variables = door("command", [sys.executable, file]) if env else ([sys.executable, str(file)], {})
    done = run(argv, env={**variables, **(env or {})})
    assert (done.returncode, done.stderr) == (0, "WARNING:root:plain\n")
    loaded, said = done.stdout.splitlines()
    assert int(loaded) <= 3
    assert said == "None False"
