"""The libraries whose own tests are run under telemetry: what these tests need, and where they rightly end otherwise.

A difference is known by the beginning of the test's name; `*` at its beginning is anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.servers import POSTGRES, REDIS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers import Server


@dataclass(frozen=True, eq=False)
class Reason:
    """Why a test rightly ends otherwise."""

    text: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """Under these the test has to end as it does without telemetry, which is seen to each time."""


WITHOUT_PROPAGATORS = {"OTEL_PROPAGATORS": "none"}
"""Each suite is run under these settings too: nothing is added to what goes out."""
HEADER = Reason("it tells or counts the headers of a request, which has `traceparent` in addition", WITHOUT_PROPAGATORS)
GIVES_WAY = Reason(
    "what Starlette's own middleware would make by the global provider, which is ours, gives way to our span of the request",
    {"PLATFORM_DISABLED_INSTRUMENTATIONS": "starlette"},
)

_COMMANDS = POSTGRES.commands
DATABASE = replace(
    POSTGRES, commands=lambda *given: [*_COMMANDS(*given)[:-1], [*_COMMANDS(*given)[-1], "-c", "max_prepared_transactions=20"]]
)
"""PostgreSQL as the tests of drivers want it, with two-phase commits."""
SQLALCHEMY_DATABASE = replace(DATABASE, url="postgresql+psycopg://postgres@127.0.0.1:{port}/postgres")


@dataclass(frozen=True)
class Suite:
    """How the tests of one library are run, in the folder of its source."""

    requires: tuple[str, ...] = ()
    """What is installed beside the library; where nothing is said, what its `pyproject.toml` says of tests."""
    extras: str = ""
    """Extras of the library itself, such as `[socks]`."""
    arguments: tuple[str, ...] = ()
    """Options of pytest; `{url}` is where the server is."""
    folder: str = ""
    """Where the tests are, unless the suite's own configuration says so; several are separated by spaces."""
    packages: tuple[str, ...] = ("",)
    """The folders of what is installed, within the source."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What the tests find in their environment; `{url}` is where the server is."""
    server: Server | None = None
    """A server that is started for these tests alone."""
    before: tuple[tuple[str, ...], ...] = ()
    """Words after `python` that are run once before the tests."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the run under telemetry."""
    known: Mapping[str, Reason] = field(default_factory=dict)
    """Differences that are right, with the reason."""


SUITES: dict[str, Suite] = {
    "structlog": Suite(("pytest", "pytest-asyncio", "simplejson", "time-machine", "rich", "twisted")),
    "loguru": Suite(("pytest<9", "colorama", "freezegun"), arguments=("--ignore=tests/typesafety",)),
    "httpx": Suite(
        ("pytest==8.4.*", "chardet==5.2.*", "cryptography", "trio==0.31.*", "trustme", "uvicorn==0.35.*", "click<8.3"),
        extras="[brotli,cli,http2,socks,zstd]",
        arguments=("-m", "not network"),
        known={
            "tests/client/test_client.py::test_raw_client_header": HEADER,
            "tests/client/test_event_hooks.py::test_async_event_hooks_with_redirect": HEADER,
            "tests/client/test_event_hooks.py::test_event_hooks_with_redirect": HEADER,
            "tests/client/test_headers.py::test_client_header": HEADER,
            "tests/client/test_headers.py::test_header_merge": HEADER,
            "tests/client/test_headers.py::test_header_merge_conflicting_headers": HEADER,
            "tests/client/test_headers.py::test_header_update": HEADER,
            "tests/client/test_headers.py::test_host_with_auth_and_port_in_url": HEADER,
            "tests/client/test_headers.py::test_host_with_non_default_port_in_url": HEADER,
            "tests/client/test_headers.py::test_remove_default_header": HEADER,
            "tests/test_asgi.py::test_asgi_headers": HEADER,
            "tests/test_main.py::test_auth": HEADER,
            "tests/test_main.py::test_verbose": HEADER,
        },
    ),
    "requests": Suite(
        ("pytest<10", "pytest-httpbin==2.1.0", "httpbin~=0.10.0", "pytest-mock", "trustme"),
        extras="[socks]",
        known={"tests/test_requests.py::TestRequests::test_response_iter_lines_reentrant": HEADER},
    ),
    "urllib3": Suite(
        (
            *(
                "pytest",
                "pytest-socket",
                "pytest-timeout",
                "anyio[trio]",
                "trio",
                "h2",
                "httpx",
                "pysocks",
                "cryptography",
                "pyopenssl",
            ),
            *("hypercorn", "quart", "quart-trio", "trustme", "idna"),
        ),
        # three threads wait for each other without an end where a connection fails at once, as without a network
        arguments=("-m", "not requires_network and not integration", "-k", "not test_http2_probe_blocked_per_thread"),
        folder="test",
        known={
            "test/with_dummyserver/test_poolmanager.py::TestPoolManager::test_headers_http_header_dict": HEADER,
            "test/with_dummyserver/test_poolmanager.py::TestPoolManager::test_headers_http_multi_header_multipart": HEADER,
            "test/with_dummyserver/test_poolmanager.py::TestPoolManager::test_merge_headers_with_pool_manager_headers": HEADER,
            "test/with_dummyserver/test_socketlevel.py::TestContentFraming::": HEADER,
            "test/with_dummyserver/test_socketlevel.py::TestHeaders::test_headers_are_sent_with_the_original_case": HEADER,
            "test/with_dummyserver/test_socketlevel.py::TestHeaders::test_ua_header_can_be_overridden": HEADER,
            "test/with_dummyserver/test_socketlevel.py::TestProxyManager::test_simple": HEADER,
        },
    ),
    "starlette": Suite(
        ("pytest", "trio", "blockbuster", "opentelemetry-sdk", "httpx2[zstd]", "importlib-metadata"),
        extras="[full]",
        known={"tests/middleware/test_opentelemetry.py::test_provider_configured_after_middleware_stack_is_built": GIVES_WAY},
    ),
    "fastapi": Suite(extras="[all]", arguments=("-p", "no:sugar")),
    "flask": Suite(("pytest<9", "asgiref", "greenlet", "python-dotenv")),
    "redis": Suite(
        (
            "pytest",
            "pytest-asyncio",
            "pytest-timeout",
            "numpy",
            "pybreaker",
            "aiohttp",
            "xxhash",
            "ujson",
            "uvloop",
            "redis-entraid",
        ),
        arguments=(
            "--redis-url={url}",
            *(f"--ignore=tests/{name}" for name in ("test_scenario", "maint_notifications", "test_multidb", "test_cluster.py")),
            *(f"--ignore=tests/test_asyncio/{name}" for name in ("test_scenario", "test_multidb", "test_cluster.py")),
            *(
                "-m",
                "not onlycluster and not redismod and not ssl and not replica and not cp_integration and not multidb_integration",
            ),
        ),
        folder="tests",
        server=REDIS,
    ),
    "psycopg": Suite(
        ("pytest<10", "anyio[trio]", "pproxy", "dnspython", "shapely", "numpy", "mypy==2.1.*", "gevent"),
        packages=("psycopg", "psycopg_pool"),
        arguments=("--test-dsn={url}", "-m", "not slow", "-p", "no:randomly"),
        variables={"PSYCOPG_IMPL": "python"},
        folder="tests",
        server=DATABASE,
    ),
    "celery": Suite(
        (
            *("pytest<10", "pytest-celery", "pytest-rerunfailures", "pytest-subtests", "pytest-timeout", "pytest-click"),
            *("pytest-order", "freezegun", "boto3", "moto", "cryptography", "tblib", "elasticsearch<=9.5.1", "fakeredis[lua]"),
            *("redis", "pymemcache", "sqlalchemy", "pymongo", "msgpack", "pyyaml", "pydantic", "gevent", "django", "ephem"),
        ),
        arguments=("--suite-threads", *(f"--ignore=t/unit/backends/test_{name}.py" for name in ("azureblockblob", "gcs"))),
        folder="t/unit",
    ),
    "sqlalchemy": Suite(
        ("pytest<10", "psycopg[binary]", "greenlet"),
        extras="[asyncio]",
        before=(
            (
                "-c",
                (
                    "import sqlalchemy; sqlalchemy.create_engine('{url}', isolation_level='AUTOCOMMIT').connect().exec_driver_sql("
                    "'CREATE SCHEMA test_schema; CREATE SCHEMA test_schema_2; CREATE EXTENSION hstore; CREATE EXTENSION citext')"
                ),
            ),
        ),
        arguments=("--dburi=sqlite:///:memory:", "--dburi={url}"),
        folder="test/engine test/dialect/postgresql",
        server=SQLALCHEMY_DATABASE,
    ),
}
"""Name of the distribution → its suite. Any other library is run as its `pyproject.toml` has it."""
