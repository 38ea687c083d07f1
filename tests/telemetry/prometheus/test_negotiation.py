"""The format that a scraper gets is the one it likes best of those that we write."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_instrument.telemetry.prometheus.negotiation import TEXT, negotiated, wanted_names

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OLDER = "application/openmetrics-text; version=0.0.1; charset=utf-8"
TWO = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
"""What Prometheus 2.34 to 2.54 asks for."""
THREE = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
"""What Prometheus 3 asks for; with native histograms, protobuf in front of it."""
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT),
        ("*/*", TEXT),  # curl
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),  # a browser
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT),  # Prometheus 2.0 to 2.4
        ("application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OLDER),  # 2.5 to 2.33
        (TWO, OPENMETRICS),
        (THREE, OPENMETRICS),
        (f"{PROTOBUF};q=0.6,{THREE}", OPENMETRICS),
        ("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5", TEXT),  # PrometheusText0.0.4 first
        (f"{PROTOBUF}", TEXT),
        ("application/openmetrics-text;version=2.0.0, text/plain;q=0.5", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text ; Version=1.0.0 ; Q=0.9 , text/plain ; q=0.8", OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
        ("text/plain,application/openmetrics-text", TEXT),
        ("application/openmetrics-text,text/plain", OPENMETRICS),
        ("application/openmetrics-text;q=0,*/*;q=0.1", TEXT),
        ("application/openmetrics-text;q=high,text/plain;q=0.1", TEXT),
        ("text/*", TEXT),
    ],
)
def test_the_format_is_the_one_that_is_liked_best(accept: str, expected: str) -> None:
    found = negotiated(accept, "")
    assert found.content_type == expected
    assert found.openmetrics is expected.startswith("application/openmetrics-text")
    assert not found.gzip


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),  # Prometheus
        ("gzip, deflate, br", True),
        ("GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("identity;q=1, gzip;q=0.5", False),
        ("identity;q=0.5, gzip", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("deflate, br", False),
        ("", False),
    ],
)
def test_gzip_is_sent_where_it_is_taken(accept_encoding: str, expected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert negotiated("", accept_encoding).gzip is expected


@settings(deadline=None)
@given(accept=st.text(), accept_encoding=st.text())
def test_every_header_has_an_answer(accept: str, accept_encoding: str) -> None:
    assert negotiated(accept, accept_encoding).content_type in {TEXT, OPENMETRICS, OLDER}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", set()),
        ("name[]=orders_total&name[]=up&other=1", {"orders_total", "up"}),
        ("name%5B%5D=orders_total", {"orders_total"}),
        ("name=orders_total", set()),
    ],
)
def test_names_are_asked_for_as_of_prometheus_client(query: str, expected: set[str]) -> None:
    assert wanted_names(query) == expected


@settings(deadline=None)
@given(query=st.text())
def test_every_query_is_read(query: str) -> None:
    assert isinstance(wanted_names(f"name[]={query}"), frozenset)


def test_a_query_of_thousands_of_names_is_bounded() -> None:
    assert len(wanted_names("&".join(f"name[]={number}" for number in range(100_000)))) < 1_000
