"""gRPC: the metadata, methods and addresses that clients and applications write, and the details of a collector's refusal."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from platform_instrument.engine.rpc_metadata import carried, with_context
from platform_instrument.semantics.rpc import client_operation, outcome, place_of, server_operation
from platform_instrument.telemetry import propagation
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.grpc_exporter import _retry_delay
from tests.fuzz.fuzzing import ANY, fuzzed, headers, texts

METHODS = texts("/", "shop.Orders", "Get", ".", "//", "%2F")
TARGETS = texts(
    "dns:///", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "xds:", "[::1]", "%5B", "%5D", ":", "50051", ",", "1" * 5_000, "shop"
)
KEYS = st.sampled_from(["traceparent", "tracestate", "baggage", "x-request-id", "grpc-timeout", "key-bin"]) | ANY
METADATA = st.lists(st.tuples(KEYS, headers("a=1", "00-", ",") | st.binary(max_size=50)), max_size=10)


@fuzzed(METHODS)
def test_a_method_has_a_bounded_name(method: str) -> None:
    for operation in (server_operation(method), client_operation(method, "shop", 50051)):
        assert len(operation.name) <= 256
        assert len(operation.attributes["rpc.service"]) + len(operation.attributes["rpc.method"]) <= 256


@fuzzed(TARGETS, "[::1]:" + "1" * 5_000, "shop:99999999", "shop:\u0661")
def test_a_target_is_an_address_and_a_port(target: str) -> None:
    address, port = place_of(target)
    assert len(address) <= len(target)
    assert port is None or 0 <= port <= 65_535


@fuzzed(st.tuples(st.none() | st.integers(-1, 10**6), ANY))
def test_any_code_is_told(case: tuple[int | None, str]) -> None:
    code, error = case
    outcome(server_operation("/shop.Orders/Get"), code, error)
    outcome(client_operation("/shop.Orders/Get", "", None), code, error)


@fuzzed(METADATA)
def test_metadata_carries_texts_alone_and_what_is_not_ours_stays(metadata: list[tuple[str, Any]]) -> None:
    found = carried(metadata)
    assert all(type(value) is str for value in found.values())
    propagation.ACTIVE.extract(found.get)
    context: Any = Ambient(1, 1, 1)
    sent = with_context(metadata, context, "shop")
    ours = set(propagation.ACTIVE.fields)
    assert [pair for pair in sent if pair[0] not in ours] == [pair for pair in metadata if pair[0] not in ours]
    assert [value for key, value in sent if key == "traceparent"] == [f"00-{1:032x}-{1:016x}-01"]


class Refusal:
    """A refusal as far as its details are read."""

    def __init__(self, metadata: list[tuple[str, bytes]]) -> None:
        self.metadata = metadata

    def trailing_metadata(self) -> list[tuple[str, bytes]]:
        return self.metadata


INFO = b"\x0a\x29type.googleapis.com/google.rpc.RetryInfo\x12"
PARTS = st.lists(
    st.binary(max_size=20) | st.sampled_from([INFO, b"\x1a", b"\x1a\x31", b"\x04\x0a\x02\x08\x07", b"\xff" * 9, b"\x01"]),
    max_size=8,
)


@fuzzed(PARTS.map(b"".join))
def test_a_delay_is_a_number_or_none(details: bytes) -> None:
    delay = _retry_delay(Refusal([("other", b"x"), ("grpc-status-details-bin", details)]))
    assert delay is None or delay >= 0
