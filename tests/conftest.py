"""Fixtures of every test: a collector, real databases, free ports, and no fault of ours that stays unseen."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from platform_instrument.core.guard import clear_faults, faults
from tests import processes, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.collector import Collector


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers of this suite; answer to SIGINT, which a shell's background commands ignore, and their children with them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "faults: the test plants faults, so contained ones do not fail it")


@pytest.fixture(autouse=True)
def _no_contained_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test during which a fault of ours was contained in this process, unless it is marked `faults`."""
    clear_faults()
    yield
    contained = faults()
    clear_faults()
    if contained and request.node.get_closest_marker("faults") is None:
        pytest.fail(f"faults were contained: {contained}", pytrace=False)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Return a running OTLP collector in this process."""
    from platform_instrument.testing.collector import Collector

    with Collector() as running:
        yield running


@pytest.fixture
def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on."""
    return processes.free_port()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Return the URL of a PostgreSQL server, for a superuser without a password."""
    with servers.running(servers.POSTGRES) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Return the URL of a Redis server."""
    with servers.running(servers.REDIS) as url:
        yield url


@pytest.fixture(scope="session")
def memcached_url() -> Iterator[str]:
    """Return the URL of a memcached server."""
    with servers.running(servers.MEMCACHED) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """Return the URL of a MariaDB server, for root without a password."""
    with servers.running(servers.MARIADB) as url:
        yield url
