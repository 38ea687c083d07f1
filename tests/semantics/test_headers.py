from __future__ import annotations

import pytest

from platform_instrument.semantics.headers import REQUEST, RESPONSE, capture


def picked(headers: list[tuple[str | bytes, str | bytes]], *wanted: str, sanitized: tuple[str, ...] = ()) -> dict[str, object]:
    captured = capture(REQUEST, wanted, sanitized)
    assert captured is not None
    return dict(captured(headers))


def test_no_pattern_wants_no_header() -> None:
    assert capture(RESPONSE, (), (".*",)) is None


def test_a_pattern_is_the_whole_of_a_name_in_any_case() -> None:
    headers: list[tuple[str | bytes, str | bytes]] = [("X-Tenant", "blue"), ("x-tenants", "no"), (b"X-SHOP-ID", b"7")]
    assert picked(headers, "x-tenant", "X-Shop-.*") == {
        "http.request.header.x-tenant": ("blue",),
        "http.request.header.x-shop-id": ("7",),
    }


def test_each_value_of_a_repeated_header_stands_by_itself() -> None:
    assert picked([("a", "1"), ("b", "2"), ("A", "3")], ".") == {
        "http.request.header.a": ("1", "3"),
        "http.request.header.b": ("2",),
    }


def test_a_sanitized_value_does_not_show() -> None:
    assert picked([("cookie", "s3cret")], "cookie", sanitized=("cook.*",)) == {"http.request.header.cookie": ("[secret]",)}


@pytest.mark.parametrize("wanted", ["x-.*", ".*"])
def test_a_client_cannot_make_a_span_large(wanted: str) -> None:
    found = picked([(f"x-{number}", "v" * 10_000) for number in range(1_000)], wanted)
    assert (len(found), {len(str(value)) for value in found.values()}) == (64, {4_096 + len("('',)")})
