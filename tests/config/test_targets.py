"""Addresses to be checked: what can be asked is taken as it is written; what cannot, or would show a secret, is refused whole."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from platform_instrument.config.read import read
from platform_instrument.config.targets import targets


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tcp://db:5432", ("tcp://db:5432",)),
        ("tcp://[::1]:5432/", ("tcp://[::1]:5432/",)),
        (" http://auth , http://auth,https://auth:8443/healthz/ready", ("http://auth", "https://auth:8443/healthz/ready")),
    ],
)
def test_a_list_of_addresses_is_taken(text: str, found: tuple[str, ...]) -> None:
    assert targets(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "db:5432", "tcp://db", "tcp://db:0", "tcp://db:99999", "tcp://db:x", "tcp://:5432", "tcp://db:5432/path", "udp://db:1", "http://",
        "http://auth?key=s3cret", "http://user:s3cret@auth", "http://auth/#x", "http://a b", "tcp://db:1,db", ",", "http://[::1",
        "http://auth/\r\nx", "http://" + "a" * 600,
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(text: str) -> None:
    assert targets(text) is None


def test_a_password_in_an_address_is_not_said() -> None:
    found, (problem,) = read({"PLATFORM_READINESS_CHECKS": "http://user:s3cret@auth"})
    assert found.readiness_checks == ()
    assert str(problem) == (
        "PLATFORM_READINESS_CHECKS='http://***@auth' is not a list of addresses; it is ignored; "
        "write tcp://host:port or http://host/path, separated by commas, without password and query"
    )


@given(strategies.text(alphabet="tcphs:/[]@?#,.0123456789a \n\ud800", max_size=60))
def test_nothing_raises(text: str) -> None:
    targets(text)
