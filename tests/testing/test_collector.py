"""The collector of tests: what it says, and that it fails as it is told to."""

from __future__ import annotations

import gzip
import http.client

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from platform_instrument.testing.collector import Collector


def post(collector: Collector, path: str, body: bytes, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=2)
    try:
        connection.request("POST", path, body, headers or {})
        response = connection.getresponse()
        response.read(64)
        return response
    finally:
        connection.close()


def request(*names: str) -> bytes:
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    group.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value="shop")))
    scoped = group.scope_spans.add()
    for name in names:
        scoped.spans.add(name=name, trace_id=b"\x01" * 16, span_id=b"\x02" * 8, kind=2)
    return message.SerializeToString()


def test_it_keeps_spans_packed_or_not(collector: Collector) -> None:
    assert post(collector, "/v1/traces", request("a")).status == 200
    assert post(collector, "/v1/traces", gzip.compress(request("b")), {"Content-Encoding": "gzip"}).status == 200
    a, b = collector.wait_for(2)
    assert (a.name, b.name, a.kind, a.trace_id, a.span_id, a.parent_id) == ("a", "b", "SERVER", "01" * 16, "02" * 8, "")
    assert [(each.path, each.compressed) for each in collector.requests] == [("/v1/traces", False), ("/v1/traces", True)]
    assert collector.resources == ({"service.name": "shop"},)


def test_it_waits_for_a_condition_and_says_what_came_instead(collector: Collector) -> None:
    post(collector, "/v1/traces", request("a"))
    assert collector.wait_for(lambda spans: [span for span in spans if span.name == "a"])
    with pytest.raises(AssertionError, match=r"within 0.1 s; spans: \['a'\]"):
        collector.wait_for(2, seconds=0.1)


def test_it_finds_the_latest_point_of_each_series(collector: Collector) -> None:
    for count in (1, 2):
        message = ExportMetricsServiceRequest()
        metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="duration", unit="s")
        metric.histogram.aggregation_temporality = 2
        for name in ("a", "b"):
            point = metric.histogram.data_points.add(count=count, sum=1.5, explicit_bounds=[1.0], bucket_counts=[0, count])
            point.attributes.append(KeyValue(key="name", value=AnyValue(string_value=name)))
        post(collector, "/v1/metrics", message.SerializeToString())
    point = collector.wait_for_histogram("duration", attributes={"name": "a"}, count=2)
    assert (point.count, point.sum, point.counts, point.temporality, point.unit) == (2, 1.5, (0, 2), "CUMULATIVE", "s")
    assert len(collector.latest("duration")) == 2
    assert len(collector.metrics) == 4
    assert collector.wait_for_metric("duration").name == "duration"


def test_what_is_malformed_fails_whoever_waits(collector: Collector) -> None:
    assert post(collector, "/v1/traces", b"\xff\xff").status == 400
    with pytest.raises(AssertionError, match="malformed"):
        collector.wait_for(1, seconds=1)


def test_it_fails_as_often_as_it_is_told_to(collector: Collector) -> None:
    collector.fail(429, retry_after="7", times=1)
    refused = post(collector, "/v1/traces", request("a"))
    assert (refused.status, refused.getheader("Retry-After")) == (429, "7")
    assert collector.spans == ()
    assert [each.accepted for each in collector.requests] == [False]
    assert post(collector, "/v1/traces", request("a")).status == 200
    assert len(collector.wait_for_requests(2)) == 2


@pytest.mark.parametrize(
    ("manner", "error"),
    [("garble", http.client.BadStatusLine), ("hang_up", http.client.RemoteDisconnected), ("refuse", ConnectionRefusedError)],
)
def test_it_misbehaves_as_it_is_told_to_and_recovers(collector: Collector, manner: str, error: type[Exception]) -> None:
    getattr(collector, manner)()
    with pytest.raises(error):
        post(collector, "/v1/traces", request("a"))
    collector.recover()
    assert post(collector, "/v1/traces", request("a")).status == 200
    assert len(collector.spans) == 1


def test_it_leaves_no_thread_and_no_port_behind() -> None:
    with Collector() as collector:
        post(collector, "/v1/traces", request("a"))
        port = collector.port
    with pytest.raises(ConnectionRefusedError):
        post(collector, "/v1/traces", b"")
    with Collector(port=port) as again:
        assert post(again, "/v1/traces", request("a")).status == 200
