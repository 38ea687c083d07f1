"""Hosts as people write them: an address is listened at, and what is none is one fault that is said."""

from __future__ import annotations

import socket

import pytest

from platform_instrument.telemetry.ports.listening import bound


@pytest.mark.parametrize(("host", "reached"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("[::1]", "::1"), ("::", "127.0.0.1")])
def test_a_host_is_listened_at(host: str, reached: str) -> None:
    listening = bound(host, 0)
    with socket.create_connection((reached, listening.getsockname()[1]), 5):
        listening.close()


@pytest.mark.parametrize("host", ["a" * 300, "a..b", "no.such.host.invalid", "192.0.2.1"])
def test_what_is_no_host_of_this_machine_is_an_error_of_the_system_s(host: str) -> None:
    with pytest.raises(OSError, match=r"."):
        bound(host, 0)
