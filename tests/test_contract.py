from __future__ import annotations

import asyncio
import http.client
import sqlite3
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from platform_instrument.instrumentations._index import TRIGGERS
from platform_instrument.testing.contract import InstrumentationContract
from platform_instrument.testing.conventions import unconventional
from platform_instrument.testing.received import Scope, Span
from tests.instrumentations.http_server import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Instrumentation

MODULES = sorted({module for entries in TRIGGERS.values() for _, module in entries})


def _httpx(url: str) -> None:
    httpx.get(url)
    httpx.get(f"{url}/status/503")


def _requests(url: str) -> None:
    requests.get(url, timeout=5)
    requests.get(f"{url}/status/404", timeout=5)


def _urllib3(url: str) -> None:
    with urllib3.PoolManager() as pool:
        pool.request("GET", f"{url}/redirect/1")


def _aiohttp(url: str) -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/redirect/1") as response:
            await response.read()

    asyncio.run(main())


def _urllib(url: str) -> None:
    urllib.request.urlopen(f"{url}/redirect/1").read()  # noqa: S310 - our own server
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{url}/status/503")  # noqa: S310 - our own server


def _http_client(url: str) -> None:
    connection = http.client.HTTPConnection(url.partition("://")[2])
    connection.request("GET", "/status/503")
    connection.getresponse().read()
    connection.close()


def _sqlite3(_url: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE orders (id)")
    connection.executemany("INSERT INTO orders VALUES (?)", [(1,), (2,)])
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT nothing")
    connection.close()


USES: dict[str, Callable[[str], None]] = {
    "platform_instrument.instrumentations.httpx": _httpx,
    "platform_instrument.instrumentations.requests": _requests,
    "platform_instrument.instrumentations.urllib3": _urllib3,
    "platform_instrument.instrumentations.aiohttp": _aiohttp,
    "platform_instrument.instrumentations.std_urllib": _urllib,
    "platform_instrument.instrumentations.std_http_client": _http_client,
    "platform_instrument.instrumentations.sqlite3": _sqlite3,
}
"""How some libraries are used; the rest records what its own tests compare with a literal."""

ELSEWHERE = {
    "platform_instrument.instrumentations.botocore": "botocore",
    "platform_instrument.instrumentations.mysqldb": "MySQLdb",
    "platform_instrument.instrumentations.pylibmc": "pylibmc",
    "platform_instrument.instrumentations.pyodbc": "pyodbc",
    "platform_instrument.web.channels": "channels",
    "platform_instrument.web.pyramid": "pyramid",
    "platform_instrument.web.sanic": "sanic",
}
"""Libraries that the development environment may not have; their own tests keep the contract where it is."""


class TestOurs(InstrumentationContract):
    @pytest.fixture(autouse=True, params=MODULES, ids=lambda module: module.rpartition(".")[2])
    def _declared(self, request: Any) -> None:
        self.declared_in = request.param
        if request.param in ELSEWHERE:
            pytest.importorskip(ELSEWHERE[request.param], reason="not in this environment: the matrix has it")

    def test_its_module_imports_no_library(self, instrumentation: Instrumentation) -> None:
        if "shutdown" in instrumentation.settings:
            pytest.skip("what it instruments is `signal`, which our own runtime needs where it is loaded")
        super().test_its_module_imports_no_library(instrumentation)

    test_what_it_records_is_conventional = None  # type: ignore[assignment] # below, for those that can be used here


class TestOursInUse(InstrumentationContract):
    @pytest.fixture(autouse=True, params=USES, ids=lambda module: module.rpartition(".")[2])
    def _declared(self, request: Any) -> None:
        self.declared_in = request.param

    def exercise(self) -> None:
        with serving() as server:
            USES[self.declared_in](server.url)

    test_its_module_imports_no_library = None  # type: ignore[assignment] # above, as the following
    test_every_target_is_a_function = None  # type: ignore[assignment]
    test_undo_is_exact = None  # type: ignore[assignment]
    test_installing_twice_is_once = None  # type: ignore[assignment]
    test_what_is_patched_looks_like_the_original = None  # type: ignore[assignment]
    test_hostile_arguments_and_answers_are_none_of_the_application_s_business = None  # type: ignore[assignment]


def test_names_types_and_metric_keys_outside_the_conventions_are_told() -> None:
    attributes = {
        "http.request.method": "GET",
        "server.port": "80",
        "made.up": 1,
        "platform.own": 1,
        "http.request.header.x": ("a",),
    }
    span = Span("GET", "CLIENT", "", "", "", 0, 0, "", "", attributes, (), (), "", 0, 0, 0, 0, Scope(""), {})
    durations = {"http.client.request.duration": [(("server.port", 80), ("url.full", "x"))], "made.up": [()]}
    assert unconventional([span], durations) == [
        "GET: server.port is str instead of int",
        "GET: made.up is no attribute of the conventions",
        "http.client.request.duration may not be counted by url.full",
        "made.up is no instrument of the conventions",
    ]
