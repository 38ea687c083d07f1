"""The tests of an instrumentation hold for the oldest and the newest versions of its library, each in a venv of its own.

`make test-slow` runs them; `-k sqlalchemy-1.4` picks one. The venvs are kept between runs in the system's temporary folder.
"""

from __future__ import annotations

import os
import subprocess

from tests.environments import ROOT, kept_venv
from tests.processes import environment

TOOLS = ("pytest", "pytest-timeout", "opentelemetry-api", "opentelemetry-proto", "protobuf")
DRIVERS = ("aiosqlite", "asyncpg", "psycopg[binary]", "psycopg2-binary")
UPSTREAM = ("opentelemetry-sdk", "opentelemetry-instrumentation-httpx")
VERIFYING = ("uvicorn", "gunicorn", "fastapi", "flask")
OURS = ("--editable", str(ROOT))
"""With our command, which starts servers under instrumentation."""


def _api(version: str) -> tuple[str, ...]:
    """Return a version of the OpenTelemetry API and of what goes with it."""
    return tuple(f"opentelemetry-{part}=={version}.*" for part in ("api", "sdk", "exporter-otlp-proto-common"))


CLIENTS = {
    "oldest": (
        "3.10",
        "sqlalchemy[asyncio]==1.4.* pymysql psycopg2-binary asyncpg==0.27.* psycopg[binary]==3.1.* psycopg-pool==3.1.* redis==4.5.*",
    ),
    "older": ("3.12", "sqlalchemy[asyncio]==2.0.* pymysql asyncpg==0.29.* psycopg[binary]==3.2.* psycopg-pool==3.2.* redis==5.*"),
    "newest": ("3.13", "sqlalchemy[asyncio] pymysql asyncpg psycopg[binary] psycopg-pool redis"),
}
"""Clients that are checked, by their age."""

MATRIX = {
    "sqlalchemy-1.4": ("3.10", ("sqlalchemy[asyncio]==1.4.*", *DRIVERS), "instrumentations/test_sqlalchemy"),
    "sqlalchemy-2.0": ("3.12", ("sqlalchemy[asyncio]==2.0.*", *DRIVERS), "instrumentations/test_sqlalchemy"),
    "sqlalchemy-newest": ("3.13", ("sqlalchemy[asyncio]", *DRIVERS), "instrumentations/test_sqlalchemy"),
    "psycopg-3.1-python": ("3.11", ("psycopg==3.1.*",), "instrumentations/test_psycopg"),
    "psycopg-3.2": ("3.12", ("psycopg[binary]==3.2.*", "psycopg-pool"), "instrumentations/test_psycopg"),
    "psycopg-newest-python": ("3.13", ("psycopg", "psycopg-pool"), "instrumentations/test_psycopg"),
    "redis-4.5": ("3.10", ("redis==4.5.*",), "instrumentations/test_redis"),
    "redis-5": ("3.11", ("redis==5.*",), "instrumentations/test_redis"),
    "redis-6": ("3.12", ("redis==6.*",), "instrumentations/test_redis"),
    "redis-7": ("3.13", ("redis==7.*",), "instrumentations/test_redis"),
    "redis-newest-hiredis": ("3.12", ("redis[hiredis]",), "instrumentations/test_redis"),
    "valkey-6.0": ("3.10", ("valkey==6.0.*", "redis==5.*"), "instrumentations/test_valkey"),
    "valkey-newest-libvalkey": ("3.13", ("valkey[libvalkey]", "redis"), "instrumentations/test_valkey"),
    "pymemcache-3.0": ("3.10", ("pymemcache==3.0.*",), "instrumentations/test_pymemcache"),
    "pymemcache-newest": ("3.13", ("pymemcache",), "instrumentations/test_pymemcache"),
    "aiomcache-0.8.0": ("3.10", ("aiomcache==0.8.0",), "instrumentations/test_aiomcache"),
    "aiomcache-newest": ("3.13", ("aiomcache",), "instrumentations/test_aiomcache"),
    "django_cache-3.2": ("3.10", ("django==3.2.*", "redis", "pymemcache", "setuptools<70"), "instrumentations/test_django_cache"),
    "django_cache-newest": ("3.13", ("django", "redis", "pymemcache"), "instrumentations/test_django_cache"),
    "cachetools-5.3": ("3.10", (*OURS, "cachetools==5.3.*"), "instrumentations/test_functools"),
    "cachetools-newest": ("3.13", (*OURS, "cachetools"), "instrumentations/test_functools"),
    "meters-1.21": ("3.10", (*OURS, *_api("1.21"), "setuptools<70"), "telemetry/meters/test_instruments"),
    "meters-1.29": ("3.12", (*OURS, *_api("1.29")), "telemetry/meters/test_instruments"),
    "own-meters-1.21": ("3.11", (*OURS, *_api("1.21"), "setuptools<70"), "telemetry/meters/test_adoption"),
    "own-meters-newest": (
        "3.13",
        (*OURS, "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-common"),
        "telemetry/meters/test_adoption",
    ),
    "sqlalchemy-1.4-pool": ("3.10", ("sqlalchemy[asyncio]==1.4.*", *DRIVERS), "instrumentations/test_sqlalchemy_pool"),
    "sqlalchemy-2.0-pool": ("3.12", ("sqlalchemy[asyncio]==2.0.*", *DRIVERS), "instrumentations/test_sqlalchemy_pool"),
    "sqlalchemy-newest-pool": ("3.13", ("sqlalchemy[asyncio]", *DRIVERS), "instrumentations/test_sqlalchemy_pool"),
    "psycopg_pool-3.1": ("3.10", ("psycopg[binary]==3.1.*", "psycopg-pool==3.1.*"), "instrumentations/test_psycopg_pool"),
    "psycopg_pool-3.2": ("3.12", ("psycopg[binary]==3.2.*", "psycopg-pool==3.2.*"), "instrumentations/test_psycopg_pool"),
    "psycopg_pool-newest": ("3.13", ("psycopg[binary]", "psycopg-pool"), "instrumentations/test_psycopg_pool"),
    "asyncpg-0.27": ("3.10", ("asyncpg==0.27.*",), "instrumentations/test_asyncpg"),
    "asyncpg-0.29": ("3.12", ("asyncpg==0.29.*",), "instrumentations/test_asyncpg"),
    "asyncpg-newest": ("3.13", ("asyncpg",), "instrumentations/test_asyncpg"),
    "asyncpg-0.27-pool": ("3.10", ("asyncpg==0.27.*",), "instrumentations/test_asyncpg_pool"),
    "asyncpg-0.29-pool": ("3.12", ("asyncpg==0.29.*",), "instrumentations/test_asyncpg_pool"),
    "asyncpg-newest-pool": ("3.13", ("asyncpg",), "instrumentations/test_asyncpg_pool"),
    "statements-3.10": ("3.10", ("sqlalchemy[asyncio]==1.4.*", *DRIVERS, "pymysql==1.0.*"), "engine/test_statements"),
    "statements-3.12": ("3.12", ("sqlalchemy[asyncio]==2.0.*", *DRIVERS, "pymysql", "aiomysql"), "engine/test_statements"),
    "statements-3.13": ("3.13", ("sqlalchemy[asyncio]", *DRIVERS, "pymysql", "asyncmy"), "engine/test_statements"),
    "psycopg2-2.9": ("3.10", ("psycopg2-binary==2.9.3",), "instrumentations/test_psycopg2"),
    "psycopg2-2.9-pool": ("3.10", ("psycopg2-binary==2.9.3",), "instrumentations/test_psycopg2_pool"),
    "psycopg2-newest-pool": ("3.13", ("psycopg2-binary",), "instrumentations/test_psycopg2_pool"),
    "psycopg2-newest": ("3.13", ("psycopg2-binary",), "instrumentations/test_psycopg2"),
    "mysql-oldest": (
        "3.10",
        ("pymysql==1.0.*", "aiomysql==0.1.*", "asyncmy==0.2.9", "mysql-connector-python==8.1.*"),
        "instrumentations/test_mysql",
    ),
    "mysql-c": (
        "3.12",
        ("pymysql==1.1.*", "aiomysql==0.2.*", "asyncmy", "mysql-connector-python==9.*", "mysqlclient==2.1.*"),
        "instrumentations/test_mysql",
    ),
    "mysql-newest": (
        "3.13",
        ("pymysql", "aiomysql", "asyncmy", "mysql-connector-python", "mysqlclient"),
        "instrumentations/test_mysql",
    ),
    "duckdb-1.0": ("3.10", ("duckdb==1.0.*",), "instrumentations/test_duckdb"),
    "duckdb-newest": ("3.13", ("duckdb",), "instrumentations/test_duckdb"),
    "pyodbc-5.0": ("3.11", ("pyodbc==5.0.*",), "instrumentations/test_pyodbc"),
    "pyodbc-newest": ("3.13", ("pyodbc",), "instrumentations/test_pyodbc"),
    "mysql-oldest-pool": (
        "3.10",
        ("pymysql==1.0.*", "aiomysql==0.1.*", "asyncmy==0.2.9", "mysql-connector-python==8.1.*"),
        "instrumentations/test_mysql_pools",
    ),
    "mysql-newest-pool": (
        "3.13",
        ("pymysql", "aiomysql", "asyncmy", "mysql-connector-python", "mysqlclient"),
        "instrumentations/test_mysql_pools",
    ),
    "redis-4.5-pool": ("3.10", ("redis==4.5.*",), "instrumentations/test_redis_pool"),
    "redis-5-pool": ("3.11", ("redis==5.*",), "instrumentations/test_redis_pool"),
    "redis-6-pool": ("3.12", ("redis==6.*",), "instrumentations/test_redis_pool"),
    "redis-7-pool": ("3.13", ("redis==7.*",), "instrumentations/test_redis_pool"),
    "sqlite3-3.10": ("3.10", ("aiosqlite",), "instrumentations/test_sqlite3"),
    "sqlite3-3.12": ("3.12", ("aiosqlite",), "instrumentations/test_sqlite3"),
    "sqlite3-3.13": ("3.13", ("aiosqlite==0.17.*",), "instrumentations/test_sqlite3"),
    "httpx-0.22": ("3.10", ("httpx[http2]==0.22.*", "hypercorn", "trustme", *UPSTREAM), "instrumentations/test_httpx"),
    "urllib3-1.26": ("3.11", ("urllib3==1.26.*", "requests"), "instrumentations/test_urllib3"),
    "requests-urllib3-1.26": ("3.11", ("urllib3==1.26.*", "requests"), "instrumentations/test_requests"),
    "aiohttp-3.8": ("3.10", ("aiohttp==3.8.*",), "instrumentations/test_aiohttp"),
    "django-3.2": ("3.10", (*OURS, "django==3.2.*", "gunicorn==20.1.*", "uvicorn==0.20.*", "setuptools<70"), "web/test_django"),
    "django-newest": ("3.13", (*OURS, "django", "gunicorn", "uvicorn"), "web/test_django"),
    "fastapi-0.86": ("3.11", (*OURS, "fastapi==0.86.*", "uvicorn==0.20.*", "flask", "a2wsgi"), "web/test_fastapi"),
    "grpc-1.50": ("3.10", ("grpcio==1.50.*",), "instrumentations/test_grpc"),
    "grpc-1.50-streams": ("3.10", ("grpcio==1.50.*",), "instrumentations/test_grpc_streams"),
    "grpc-1.59": ("3.11", ("grpcio==1.59.*",), "instrumentations/test_grpc"),
    "grpc-newest": ("3.13", ("grpcio",), "instrumentations/test_grpc"),
    "grpc-newest-streams": ("3.13", ("grpcio",), "instrumentations/test_grpc_streams"),
    "grpc-1.50-checks": ("3.10", (*OURS, "grpcio==1.50.*", "trustme"), "runtime/health/test_grpc"),
    "grpc-newest-checks": ("3.13", (*OURS, "grpcio", "trustme"), "runtime/health/test_grpc"),
    "uvloop-3.11": ("3.11", (*OURS, "uvloop", "uvicorn", "sqlalchemy", "grpcio"), "runtime/test_loops"),
    "celery-newest": ("3.12", (*OURS, "celery[redis]"), "runtime/ending/test_celery"),
    "celery-5.3-tasks": ("3.10", (*OURS, "celery[redis]==5.3.*", "kombu==5.3.*"), "instrumentations/test_celery"),
    "celery-newest-tasks": ("3.13", (*OURS, "celery[redis]"), "instrumentations/test_celery"),
    "celery-5.3-pools": ("3.10", (*OURS, "celery[redis]==5.3.*", "kombu==5.3.*"), "instrumentations/test_celery_pools"),
    "celery-5.3-checks": ("3.10", (*OURS, "celery[redis]==5.3.*", "kombu==5.3.*", "grpcio"), "runtime/health/test_brokers"),
    "celery-newest-checks": ("3.13", (*OURS, "celery[redis]", "grpcio"), "runtime/health/test_brokers"),
    "celery-newest-pools": ("3.13", (*OURS, "celery[redis]"), "instrumentations/test_celery_pools"),
    "servers-oldest": (
        "3.10",
        (*OURS, "hypercorn==0.17.*", "granian==2.8.*", "daphne==4.0.*", "waitress==2.1.*", "django==4.2.*", "httpx[http2]"),
        "web/test_servers",
    ),
    "servers-newest": (
        "3.13",
        (*OURS, "hypercorn", "granian", "daphne", "waitress", "django", "httpx[http2]"),
        "web/test_servers",
    ),
    "native-servers-oldest": (
        "3.10",
        (
            *OURS,
            "aiohttp==3.9.*",
            "yarl==1.9.*",
            "tornado==6.1.*",
            "sanic==23.12.*",
            "websockets==13.*",
            "gunicorn",
            "setuptools<70",
        ),
        "web/test_native",
    ),
    "native-servers-newest": ("3.13", (*OURS, "aiohttp", "tornado", "sanic", "websockets", "gunicorn"), "web/test_native"),
    "flask-2.0": ("3.11", (*OURS, "flask==2.0.*", "werkzeug==2.0.*"), "web/test_werkzeug"),
    "litestar-2.0": ("3.10", (*OURS, "litestar==2.0.*", "uvicorn", "starlette"), "web/test_litestar"),
    "litestar-newest": ("3.13", (*OURS, "litestar", "uvicorn", "starlette"), "web/test_litestar"),
    "quart-0.18": ("3.10", (*OURS, "quart==0.18.*", "werkzeug<3", "uvicorn"), "web/test_quart"),
    "quart-newest": ("3.13", (*OURS, "quart", "uvicorn"), "web/test_quart"),
    "falcon-3.0": ("3.10", (*OURS, "falcon==3.0.*", "uvicorn", "gunicorn"), "web/test_falcon"),
    "falcon-newest": ("3.13", (*OURS, "falcon", "uvicorn", "gunicorn"), "web/test_falcon"),
    "bottle-0.12": ("3.10", (*OURS, "bottle==0.12.*", "gunicorn", "flask"), "web/test_bottle"),
    "channels-3": ("3.10", (*OURS, "channels==3.*", "django==3.2.*", "uvicorn", "websockets"), "web/test_channels"),
    "channels-newest": ("3.13", (*OURS, "channels", "uvicorn", "websockets"), "web/test_channels"),
    "claims-oldest": (
        "3.10",
        (*OURS, "pyjwt[crypto]==2.0.*", "python-jose[cryptography]==3.3.*", "authlib==1.0.*", "joserfc==1.0.*", *VERIFYING),
        "instrumentations/test_claims",
    ),
    "claims-newest": (
        "3.13",
        (*OURS, "pyjwt[crypto]", "python-jose[cryptography]", "authlib", "joserfc", *VERIFYING),
        "instrumentations/test_claims",
    ),
    "http_client-3.10": ("3.10", ("requests",), "instrumentations/test_std_http_client"),
    "http_client-3.13": ("3.13", ("requests",), "instrumentations/test_std_http_client"),
    "urllib-3.10": ("3.10", ("requests",), "instrumentations/test_std_urllib"),
    "urllib-3.13": ("3.13", ("requests",), "instrumentations/test_std_urllib"),
    "botocore-1.29": ("3.10", ("boto3==1.26.*", "moto[server]==4.2.*", "urllib3<2"), "instrumentations/test_botocore"),
    "botocore-newest": ("3.13", ("boto3", "moto[server]"), "instrumentations/test_botocore"),
    "pyramid-1.10": ("3.10", (*OURS, "pyramid==1.10.*", "gunicorn", "setuptools<70"), "web/test_pyramid"),
    "pyramid-newest": ("3.13", (*OURS, "pyramid", "gunicorn", "setuptools<70"), "web/test_pyramid"),
    "tornado_client-6.1": ("3.10", ("tornado==6.1.*", "pycurl"), "instrumentations/test_tornado_client"),
    "tornado_client-newest": ("3.13", ("tornado", "pycurl"), "instrumentations/test_tornado_client"),
    **{
        f"checks-{age}-{subject}": (python, tuple(requirements.split()), f"runtime/health/test_{subject}")
        for subject in ("dependencies", "outages")
        for age, (python, requirements) in CLIENTS.items()
    },
}
"""Name → interpreter, what is installed in it, and which test file holds."""


def area(tests: str) -> str:
    """Return with what the rows of a test file are run, one after the other: what shares a server's keys is in one area."""
    if tests.startswith("web/"):
        return "servers" if "servers" in tests or "native" in tests else "frameworks"
    if any(word in tests for word in ("redis", "valkey", "cache", "celery", "brokers")):
        return "caches"
    if any(word in tests for word in ("sql", "psycopg", "statements", "duckdb", "odbc", "asyncpg", "health/")):
        return "databases"
    return "others"


def names(of: str) -> list[str]:
    """Return the names of the rows of an area."""
    return [name for name, (_, _, tests) in MATRIX.items() if area(tests) == of]


def holds(name: str) -> None:
    """Assert that the tests of a row pass with its versions."""
    version, requirements, tests = MATRIX[name]
    command = [
        kept_venv(version, (*requirements, *TOOLS)),
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"tests/{tests}.py",
    ]
    servers = {name: value for name, value in os.environ.items() if name.startswith("PLATFORM_TEST_")}
    ports = {"PYTEST_XDIST_WORKER": os.environ.get("PYTEST_XDIST_WORKER", "gw0")}  # rows that run side by side have their own
    env = environment({"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1", **servers, **ports})
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
