"""Whatever the one records and the other does not, or otherwise, is found; the table of what is on purpose has no idle lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from platform_instrument.testing.received import Event, Point, Scope, Span
from tests.parity.comparing import MISSING, OTHER, Difference, Recorded, differences
from tests.parity.deliberate import DELIBERATE, Deliberate
from tests.parity.table import SCENARIOS

RESOURCE: dict[str, Any] = {}


EVENT = Event("exception", {}, 0)


def span(name: str, kind: str = "CLIENT", scope: str = "library", **attributes: Any) -> Span:
    found = {key.replace("_", "."): value for key, value in attributes.items()}
    return Span(name, kind, "aa", "bb", "", 1, 2, "UNSET", "", found, (EVENT,), (), "", 0, 0, 0, 0, Scope(scope), RESOURCE)


STEP = span("read", "INTERNAL", "parity")
KEYS = {"db.system": "x", "server.port": 10_001}
POINT = Point(
    *("db.time", "histogram", "s", "", "CUMULATIVE", False, KEYS, None, 1, 1.0, None, None, (), (), (), 0, 0),
    Scope("library"),
    RESOURCE,
)


def found(theirs: Span, *ours: Span, points: tuple[Point, ...] = (POINT,)) -> list[tuple[str, str, str]]:
    """Return what differs where upstream records a span and a series."""
    first = Recorded([STEP, theirs], [POINT], {10_001: "PORT"})
    second = Recorded([STEP, *ours], points, {10_001: "PORT", 10_002: "PORT"})
    return [(each.step, each.what, each.how) for each in differences(first, second, ("CLIENT", "SERVER"))]


def test_what_is_recorded_alike_or_with_more_is_no_difference() -> None:
    assert found(span("GET", server_port=10_001), span("GET", server_port=10_002, url_path="/")) == []
    assert found(span("GET", url="http://a:10001"), span("GET", url="http://a:10002")) == []
    assert found(span("GET", "SERVER", client_port=5), span("GET", "SERVER", client_port=6)) == []


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ((), ("read", "spans", MISSING)),
        ((span("GET", a=1), span("GET", a=1)), ("read", "spans", OTHER)),
        ((span("POST", a=1),), ("read", "name", OTHER)),
        ((span("GET"),), ("read", "a", MISSING)),
        ((span("GET", a="1"),), ("read", "a", OTHER)),
        ((span("GET", a=True),), ("read", "a", OTHER)),
        ((replace(span("GET", a=1), status="ERROR"),), ("read", "status", OTHER)),
        ((replace(span("GET", a=1), events=()),), ("read", "event exception", MISSING)),
    ],
)
def test_what_a_span_lacks_or_has_otherwise_is_found(ours: tuple[Span, ...], expected: tuple[str, str, str]) -> None:
    assert found(span("GET", a=1), *ours) == [expected]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((), ("db.time", "metric", MISSING)),
        ((replace(POINT, unit="ms"),), ("db.time", "unit", OTHER)),
        ((replace(POINT, kind="gauge"),), ("db.time", "kind", OTHER)),
        ((replace(POINT, attributes={"db.system": "x"}),), ("db.time", "server.port", MISSING)),
        ((replace(POINT, attributes={"db.system": "y", "server.port": 10_002}),), ("db.time", "db.system", OTHER)),
    ],
)
def test_what_a_metric_lacks_or_has_otherwise_is_found(points: tuple[Point, ...], expected: tuple[str, str, str]) -> None:
    assert found(span("GET"), span("GET"), points=points) == [expected]


def test_what_is_on_purpose_is_so_for_its_scenario_step_and_way_alone() -> None:
    reason = Deliberate("redis", "name", OTHER, "why", steps="set,get")
    assert reason.covers("redis", Difference("get", "name", OTHER, "", ""))
    assert not reason.covers("httpx", Difference("get", "name", OTHER, "", ""))
    assert not reason.covers("redis", Difference("ping", "name", OTHER, "", ""))
    assert not reason.covers("redis", Difference("get", "name", MISSING, "", ""))
    assert not reason.covers("redis", Difference("db.time", "name", OTHER, "", ""))


def test_every_line_of_the_table_is_of_a_scenario() -> None:
    assert [each for each in DELIBERATE if not any(map(each.is_of, SCENARIOS))] == []
