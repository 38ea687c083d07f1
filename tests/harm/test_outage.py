"""The collector is down, dies, hangs, drips, refuses, talks nonsense, or cannot be found: the service does not notice.

Each is a service that answers 30,000 spans' worth of requests, or a tenth of that, under traces, metrics and logs. It may grow by 8 MiB,
be slower by a millisecond in one request of a hundred, say one line, and take its time for the last attempt when it ends.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import grpc
import pytest

from platform_instrument.testing.collector import Collector
from tests.harm.grpc_collector import GrpcCollector
from tests.harm.situations import Outcome, Shown, Side, Sides, Situation, cases
from tests.telemetry import certificates
from tests.telemetry.test_http_exporter import unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Behave = Callable[[Collector, Path], contextlib.AbstractContextManager[Mapping[str, str]]]

MOST_MIB, OF_GRPC_MIB = 8.0, 2.0
"""How much 30 000 spans may make a process grow, and a request that the core of gRPC holds on to."""
MOST_MILLISECONDS = 1.0
FLUSH = 3.0
"""Seconds of `PLATFORM_FLUSH_TIMEOUT`, by default."""
MARGIN = 2.0
MANY, FEW = 6_000, 600
"""Requests after those at a steady pace; each has five spans and a record of a log."""
WARM, ROUNDS, EACH, SPANS = 200, 10, 100, 5
ALL = WARM + ROUNDS * EACH + FEW
SETTINGS = {
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "500",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "2000",
}


def served(side: Side, requests: int, idle: float, settings: Mapping[str, str] | None = None) -> Outcome:
    """Run the service to its end; of its figures, `exit s` is how long that took."""
    words = [sys.executable, side.script("outage.py"), str(ROUNDS), str(EACH), str(requests), str(idle)]
    outcome = side.run(words, settings={**SETTINGS, **(settings or {})}, timeout=240)
    figures = dict(outcome.figures)
    assert figures.pop("undisturbed") > ROUNDS * EACH / 10
    figures["exit s"] = time.monotonic() - figures.pop("ended")
    return replace(outcome, figures=figures)


class _Plain:
    """The service without us, the same for every outage."""

    side: Side
    p99: float


@cache
def plain(requests: int, idle: float) -> Outcome:
    return served(_Plain.side, requests, idle)


def outage(  # noqa: PLR0913 - what an outage is
    name: str,
    behave: Behave,
    *,
    requests: int = FEW,
    idle: float = 0.0,
    lines: int = 1,
    then: Callable[[Collector, Outcome], None] | None = None,
) -> Situation:
    """Return the situation; `behave` says how the collector is, and which settings there are, while the service runs."""

    def run(side: Side) -> Outcome:
        if side.collector is None:
            _Plain.side = side
            outcome = plain(requests, idle)
            _Plain.p99 = outcome.figures["p99 ms"]
            return outcome
        with behave(side.collector, side.folder) as settings:
            return served(side, requests, idle, settings)

    def unharmed(collector: Collector, ours: Outcome) -> None:
        assert len(ours.stderr.splitlines()) <= lines, ours.stderr
        assert ours.figures["grown MiB"] < MOST_MIB + ("gRPC" in name) * OF_GRPC_MIB
        assert ours.figures["exit s"] < FLUSH + MARGIN
        if ours.figures["p99 ms"] > _Plain.p99 + MOST_MILLISECONDS:  # the machine may be busier than it was
            again = served(_Plain.side, 0, 0.0).figures["p99 ms"]
            assert ours.figures["p99 ms"] <= max(_Plain.p99, again) + MOST_MILLISECONDS
        if then is not None:
            then(collector, ours)

    return Situation(name, "Outage", run, unharmed, compare=("status", "stdout", "answers"), longer=60)


def always(manner: Callable[[Collector], object]) -> Behave:
    """Return what makes the collector be so all the time."""

    @contextlib.contextmanager
    def behave(collector: Collector, _folder: Path) -> Iterator[Mapping[str, str]]:
        manner(collector)
        yield {}

    return behave


def after(seconds: float, *manners: Callable[[Collector], object]) -> Behave:
    """Return what makes the collector be so and then so, each for so long."""

    @contextlib.contextmanager
    def behave(collector: Collector, _folder: Path) -> Iterator[Mapping[str, str]]:
        over = threading.Event()

        def change() -> None:
            for manner in manners:
                if over.wait(seconds):
                    return
                manner(collector)

        changing = threading.Thread(target=change)
        changing.start()
        yield {}
        over.set()
        changing.join()

    return behave


def settings(**variables: str) -> Behave:
    """Return what leaves the collector well, under other settings."""

    @contextlib.contextmanager
    def behave(_collector: Collector, _folder: Path) -> Iterator[Mapping[str, str]]:
        yield variables

    return behave


@contextlib.contextmanager
def no_tls(collector: Collector, _folder: Path) -> Iterator[Mapping[str, str]]:
    yield {"OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{collector.port}"}


@contextlib.contextmanager
def of_a_stranger(_collector: Collector, folder: Path) -> Iterator[Mapping[str, str]]:
    pem = certificates.make(folder)
    with Collector(certificate=pem.server, key=pem.server_key) as stranger:
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": stranger.url}
        assert stranger.requests == ()


@contextlib.contextmanager
def nobody_answers(_collector: Collector, _folder: Path) -> Iterator[Mapping[str, str]]:
    with unanswered() as (host, port):
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{host}:{port}"}


def over_grpc(*, code: grpc.StatusCode | None = None, seconds: float = 0.0, listens: bool = True, back: float = 0.0) -> Behave:
    """Return what exports over gRPC, to a collector that is so; it comes `back` after so many seconds."""

    @contextlib.contextmanager
    def behave(_collector: Collector, _folder: Path) -> Iterator[Mapping[str, str]]:
        made = GrpcCollector()
        made.code, made.seconds = code, seconds
        timer = threading.Timer(back, made.start)
        if listens:
            made.start()
        elif back:
            timer.start()
        try:
            yield made.environment()
        finally:
            if back:
                timer.join()
            made.stop()
        if code is not None:
            assert all(made.calls.values()), made.calls
        if back:
            ids = [span.span_id for span in made.spans]
            assert len(ids) == len(set(ids))
            assert any(span.attributes.get("url.path") == f"/orders/{FEW - 1}" for span in made.spans[-SPANS:])

    return behave


@contextlib.contextmanager
def grpc_to_http(collector: Collector, _folder: Path) -> Iterator[Mapping[str, str]]:
    yield {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:{collector.port}"}


def every_signal_was_tried(collector: Collector, _ours: Outcome) -> None:
    assert {request.path for request in collector.requests} == {"/v1/traces", "/v1/metrics", "/v1/logs"}


def with_patience(collector: Collector, ours: Outcome) -> None:
    """Attempts come ever more seldom: 1, 2 and 4 seconds apart, a fifth less at least, but for the last ones when it ends."""
    every_signal_was_tried(collector, ours)
    for path in ("/v1/traces", "/v1/logs", "/v1/metrics"):
        at = [request.at for request in collector.requests if request.path == path]
        gaps = [late - early for early, late in pairwise(at)]
        assert len(gaps) >= 3, gaps
        assert all(gap > least * 0.79 for gap, least in zip(gaps[:3], (1, 2, 4), strict=True)), gaps


def asked_once(collector: Collector, _ours: Outcome) -> None:
    """A collector that wants to be left alone for an hour is, but for the last attempts when the service ends."""
    for path in ("/v1/traces", "/v1/logs", "/v1/metrics"):
        assert 1 <= sum(request.path == path for request in collector.requests) <= 3


def delivery_resumed(collector: Collector, _ours: Outcome) -> None:
    """The last request's spans arrive, each once, and the metrics know all."""
    spans = collector.spans
    assert any(span.attributes.get("url.path") == f"/orders/{FEW - 1}" for span in spans[-SPANS:])
    assert len({span.span_id for span in spans}) == len(spans)
    counted = sum(point.count for point in collector.latest("http.server.request.duration"))
    assert counted == ALL


def nothing_was_lost(collector: Collector, ours: Outcome) -> None:
    delivery_resumed(collector, ours)
    assert len(collector.spans) == SPANS * ALL
    assert len([log for log in collector.logs if str(log.body).startswith("order ")]) == ALL


SITUATIONS = (
    outage("collector: down from the start", always(Collector.refuse), requests=MANY),
    outage("collector: dies", after(3, Collector.refuse), requests=MANY),
    outage("collector: hangs", always(Collector.hang), requests=MANY, then=every_signal_was_tried),
    outage("collector: slow as a drip", always(Collector.drip), requests=MANY),  # which takes all the time there is
    outage("collector: answers late", always(lambda collector: collector.slow(1.0)), requests=MANY),
    outage("collector: answers 503", always(Collector.fail), requests=MANY, idle=6, then=with_patience),
    outage("collector: answers 503, and asks for an hour", always(lambda each: each.fail(503, retry_after="3600")), idle=2, then=asked_once),
    *[outage(f"collector: answers {status}", always(lambda each, status=status: each.fail(status)), then=every_signal_was_tried) for status in (400, 401, 404, 413, 429, 500, 502)],
    outage("collector: answers garbage", always(Collector.garble), requests=MANY, then=every_signal_was_tried),
    outage("collector: answers without an end", always(Collector.flood), then=every_signal_was_tried, lines=0),
    outage("collector: hangs up", always(Collector.hang_up), then=every_signal_was_tried),
    outage("collector: points elsewhere", always(lambda each: each.redirect("http://localhost:9/")), then=every_signal_was_tried),
    outage("collector: takes nothing of what it is sent", always(lambda each: each.reject(10**6, "no")), then=every_signal_was_tried),
    outage("collector: speaks no TLS", no_tls),
    outage("collector: has the certificate of a stranger", of_a_stranger),
    outage("collector: its name is unknown", settings(OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.invalid:4318")),
    outage("collector: its address never answers", nobody_answers),
    outage("collector: comes back", after(2.5, Collector.refuse, Collector.recover), idle=3, then=delivery_resumed),
    outage("collector: answers 503 for two seconds", after(2, Collector.fail, Collector.recover), idle=3, then=nothing_was_lost),
    outage("collector: comes and goes", after(0.7, *[Collector.refuse, Collector.recover] * 20), lines=2),
    outage("collector over gRPC: down from the start", over_grpc(listens=False), requests=MANY),
    outage("collector over gRPC: hangs", over_grpc(seconds=60), requests=MANY),
    *[outage(f"collector over gRPC: answers {code.name}", over_grpc(code=code)) for code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)],
    outage("collector over gRPC: does not speak gRPC", grpc_to_http),
    outage("collector over gRPC: speaks no TLS", settings(OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_ENDPOINT="https://localhost:9")),
    outage("collector over gRPC: its name is unknown", settings(OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.invalid:4317")),
    outage("collector over gRPC: comes back", over_grpc(listens=False, back=3), idle=4),
)  # fmt: skip

SHOWN = (
    Shown("a process ends in time though the collector fails", "Outage", "tests/telemetry/test_pipeline.py::test_a_process_ends_in_time_though_the_collector_fails"),
    Shown("attempts come ever more seldom, and no two processes in step", "Outage", "tests/telemetry/test_backoff.py::test_no_two_processes_wait_in_step"),
    Shown("several signals that fail for one reason are one line", "Outage", "tests/telemetry/test_delivery.py::test_signals_that_do_not_arrive_for_one_reason_are_one_line"),
)  # fmt: skip


@pytest.mark.parametrize("situation", cases(*SITUATIONS))
@pytest.mark.timeout(300)
def test_no_harm(situation: Situation, sides: Sides) -> None:
    situation.judge(sides)
