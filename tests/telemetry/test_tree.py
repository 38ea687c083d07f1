"""A trace is drawn as a tree that people read."""

from __future__ import annotations

from typing import Any

import pytest

from platform_instrument.core.values import CLIENT, SERVER, Operation
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.scope import InstrumentationScope
from platform_instrument.telemetry.span import ERROR, Span
from platform_instrument.telemetry.tracer import start
from platform_instrument.telemetry.tree import Line, line, render_trace

TRACE = 0x4BF92F3577B34DA6A3CE929D0E0E4736
MS = 1_000_000


def a_line(span_id: int, parent_id: int = 0, *, name: str = "work", service: str = "shop", **other: object) -> Line:
    fields: dict[str, Any] = {
        "kind": 1,
        "start_ns": span_id * MS,
        "end_ns": (span_id + 1) * MS,
        "status": "",
        "details": "",
        **other,
    }
    return Line(trace_id=TRACE, span_id=span_id, parent_id=parent_id, name=name, service=service, **fields)


def a_trace() -> list[Line]:
    return [
        a_line(3, 1, name="SELECT products", kind=CLIENT, details="postgresql SELECT name FROM products WHERE id = ?"),
        a_line(5, 4, name="GET /stock/<int:product>", kind=SERVER, service="stock", status="ERROR", end_ns=6 * MS + 5000),
        a_line(4, 1, name="GET", kind=CLIENT, end_ns=7 * MS, details="http://stock/stock/1 500"),
        a_line(1, name="GET /products/{id}", kind=SERVER, end_ns=13 * MS, details="/products/1 200"),
        a_line(2, 1, name="GET", kind=CLIENT, details="redis"),
    ]


def test_nesting_durations_status_service_and_details_are_drawn() -> None:
    assert render_trace(a_trace(), encoding="utf-8") == (
        "trace 4bf92f3577b34da6a3ce929d0e0e4736: 5 spans, 12.00 ms\n"
        "[shop] GET /products/{id}               server  12.00 ms  /products/1 200\n"
        "├─ GET                                  client   1.00 ms  redis\n"
        "├─ SELECT products                      client   1.00 ms  postgresql SELECT name FROM products WHERE id = ?\n"
        "└─ GET                                  client   3.00 ms  http://stock/stock/1 500\n"
        "   └─ [stock] GET /stock/<int:product>  server   1.00 ms  ERROR\n"
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_box_characters_gets_ascii(encoding: str) -> None:
    text = render_trace([a_line(1, name="naïve ☕"), a_line(2, 1), a_line(3, 2), a_line(4, 1)], encoding=encoding)
    text.encode(encoding)
    assert "\n+- work  " in text
    assert "\n|  `- work  " in text
    assert "\\u2615" in text


def test_lone_surrogates_are_never_written() -> None:
    text = render_trace([a_line(1, name="GET \udcff")], encoding="utf-8")
    assert text.encode()
    assert "GET ?" in text


def test_a_span_whose_parent_is_elsewhere_is_a_root_that_says_so() -> None:
    text = render_trace([a_line(1, 0xABC, name="GET /stock"), a_line(2, 1)], encoding="utf-8")
    assert text.splitlines()[1].endswith("1.00 ms  (parent 0000000000000abc is elsewhere)")
    assert text.count("elsewhere") == 1


def test_every_span_is_drawn_once_even_where_parents_form_a_ring_or_ids_repeat() -> None:
    ring = [a_line(1, 2, name="one"), a_line(2, 1, name="two"), a_line(3, 3, name="own parent")]
    twins = [a_line(7, name="twin"), a_line(7, name="twin"), a_line(8, 7, name="child")]
    text = render_trace([*ring, *twins], encoding="utf-8")
    assert [text.count(name) for name in ("one", "two", "own parent", "twin", "child")] == [1, 1, 1, 2, 1]


def test_a_large_trace_is_cut_and_says_by_how_much() -> None:
    lines = render_trace([a_line(number) for number in range(1, 1001)], encoding="utf-8").splitlines()
    assert len(lines) == 202
    assert lines[-1] == "… 800 more spans"


def test_a_deep_trace_keeps_its_lines_short() -> None:
    text = render_trace([a_line(number, number - 1) for number in range(1, 5001)], encoding="utf-8")
    assert max(map(len, text.splitlines())) < 120


def test_long_names_and_details_are_cut() -> None:
    text = render_trace([a_line(1, name="n" * 10_000_000, details="d" * 10_000_000)], encoding="utf-8")
    assert len(text) < 400
    assert "n…  " in text
    assert text.endswith("d…\n")


def test_text_of_the_application_cannot_steer_the_terminal() -> None:
    text = render_trace([a_line(1, name="GET\r\n\x1b[31m", details="SELECT\n  1\x07")], encoding="utf-8")
    assert "\x1b" not in text
    assert "\x07" not in text
    assert len(text.splitlines()) == 2
    assert "SELECT 1" in text


def test_times_that_run_backwards_are_drawn_as_nothing() -> None:
    assert "0.00 ms" in render_trace([a_line(5, end_ns=0)], encoding="utf-8").splitlines()[1]


def test_no_spans_are_no_tree() -> None:
    assert render_trace([], encoding="utf-8") == "no spans\n"


def a_span(name: str, kind: int, attributes: dict[str, object] | None, operation: Operation | None = None) -> Span:
    scope = InstrumentationScope("test")
    span = start(name, kind, operation, attributes, scope, Ambient(TRACE, 1, 1), 0)
    span.span_id = 2
    span.end_ns = span.start_ns + 1_000
    return span


def test_a_span_is_told_by_its_own_and_its_operation_s_attributes() -> None:
    select = {"db.system.name": "sqlite", "db.query.text": "SELECT ?", "server.port": 1}
    span = a_span("SELECT", CLIENT, {"error.type": "OperationalError"}, Operation("SELECT", CLIENT, select))
    span.status_code = ERROR
    drawn = line(span, "shop")
    assert (drawn.name, drawn.kind, drawn.status, drawn.service) == ("SELECT", CLIENT, "ERROR", "shop")
    assert (drawn.trace_id, drawn.span_id, drawn.parent_id) == (TRACE, 2, 1)
    assert drawn.end_ns >= drawn.start_ns > 0
    assert drawn.details == "sqlite SELECT ? OperationalError"


def test_a_span_without_attributes_has_no_details() -> None:
    drawn = line(a_span("work", 1, None), "")
    assert (drawn.status, drawn.details) == ("", "")


def test_what_is_told_of_a_request_is_masked() -> None:
    span = a_span("GET", CLIENT, {"url.full": "https://ada:sesame@stock/1?token=sesame", "http.response.status_code": 200})
    details = line(span, "shop").details
    assert "sesame" not in details
    assert details.startswith("https://")
    assert details.endswith(" 200")
