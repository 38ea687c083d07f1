"""What upstream's instrumentors record of a program, ours record too: each span, attribute and metric, but for what is on purpose.

Each program is run twice against the same real servers, at the same time, in an environment that has upstream's packages.
"""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from platform_instrument.testing.collector import Collector
from tests.environments import ROOT, kept_venv
from tests.parity.comparing import Difference, Recorded, differences
from tests.parity.deliberate import DELIBERATE
from tests.parity.table import SCENARIOS
from tests.processes import free_port, run

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
_SQL = ("sqlite3", "psycopg", "psycopg2", "pymysql", "mysqlclient", "mysql", "asyncpg", "sqlalchemy")
_OTHERS = (
    "redis",
    "pymemcache",
    "grpc",
    "httpx",
    "requests",
    "urllib3",
    "urllib",
    "aiohttp-client",
    "tornado",
    "botocore",
    "celery",
)
_WEB = ("wsgi", "flask", "django", "falcon", "pyramid", "asgi", "starlette", "fastapi", "aiohttp-server")
_LIBRARIES = (
    *("psycopg[binary]", "psycopg2-binary", "asyncpg", "pymysql", "mysqlclient", "mysql-connector-python"),
    *("sqlalchemy[asyncio]<2.1", "redis", "pymemcache", "grpcio", "httpx", "requests", "urllib3", "aiohttp", "tornado"),
    *("boto3", "moto[server]", "celery[redis]", "django", "flask", "fastapi", "starlette", "falcon", "pyramid"),
    "uvicorn",
)
"""The newest that upstream's instrumentors take."""
_TELEMETRY = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-common")
_SETTINGS = {
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "tea,x-tea-kind",
    "DJANGO_SETTINGS_MODULE": "django_site",
}


@pytest.fixture(scope="module")
def python() -> Path:
    """Return the interpreter of an environment with us, upstream's instrumentors and the libraries."""
    instrumentors = [f"opentelemetry-instrumentation-{name}" for name in (*_SQL, *_OTHERS, *_WEB)]
    return kept_venv("3.13", ("--editable", str(ROOT), *_TELEMETRY, *instrumentors, *_LIBRARIES))


@pytest.fixture(scope="module")
def database(mariadb_url: str) -> Iterator[str]:
    """Return the URL of a database of MariaDB that is our own."""
    pymysql = pytest.importorskip("pymysql")
    address, name = urlsplit(mariadb_url), f"parity_{os.getpid()}"
    connection = pymysql.connect(host=address.hostname, port=address.port or 3306, user=address.username, autocommit=True)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield mariadb_url.rstrip("/") + f"/{name}"
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def url(request: pytest.FixtureRequest, name: str) -> str:
    """Return the URL of the server that a program needs, if any."""
    server = SCENARIOS[name].server
    return str(request.getfixturevalue("database" if server == "mariadb" else f"{server}_url")) if server else ""


@functools.cache
def compared(name: str, python: Path, url: str) -> list[Difference]:
    """Run a program under upstream's instrumentors and under ours; return what ours do not record, or otherwise."""
    scenario = SCENARIOS[name]
    program = [str(HERE / "programs" / f"{scenario.program}.py"), scenario.argument]
    commands = {
        "upstream": [python, HERE / "observe.py", ",".join(scenario.instrumentors), *program],
        "ours": [python.with_name("platform-instrument"), python, *program],
    }
    variables = {**_SETTINGS, **({scenario.server.upper(): url} if scenario.server else {})}
    ports = {side: (free_port(), free_port()) for side in commands}
    with ThreadPoolExecutor(2) as both:
        theirs, ours = both.map(lambda side: _recorded(side, commands[side], variables, ports[side]), commands)
    assert theirs.by_step(scenario.kinds), "upstream recorded nothing"
    return differences(theirs, ours, scenario.kinds)


def _recorded(side: str, command: list[str | Path], variables: dict[str, str], ports: tuple[int, int]) -> Recorded:
    port, silent = ports
    own = {"PARITY_SIDE": side, "PARITY_PORT": str(port), "PARITY_SILENT": str(silent)}
    with Collector() as collector:
        done = run(command, env={**variables, **own}, collector=collector, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert collector.spans, f"nothing came\n{done.stderr}"
        return Recorded(collector.spans, collector.metrics, {port: "PORT", silent: "SILENT"})


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_upstream_records_is_recorded(name: str, python: Path, url: str) -> None:
    found = compared(name, python, url)
    assert [str(each) for each in found if not any(reason.covers(name, each) for reason in DELIBERATE)] == []
    of_here = [reason for reason in DELIBERATE if reason.is_of(name)]
    assert [reason for reason in of_here if not any(reason.covers(name, each) for each in found)] == [], "upstream does no more"
