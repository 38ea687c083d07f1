"""Which programs are run under upstream's instrumentors and under ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """A program of `programs/`, and what is compared of what is recorded of it."""

    program: str
    instrumentors: tuple[str, ...]
    """Upstream's, by the names of their entry points; none where the program itself puts upstream's middleware in place."""
    kinds: tuple[str, ...]
    """The kinds of span that are compared."""
    argument: str = ""
    server: str = ""
    """The server that the program talks to, in small letters; its URL is in the variable of that name in capitals."""


def _database(program: str, name: str, server: str = "", argument: str = "") -> Scenario:
    return Scenario(program, (name,), ("CLIENT",), argument, server)


_SERVERS = {"sqlite3": "", "psycopg": "postgres", "psycopg2": "postgres", "asyncpg": "postgres"}
_AWS = ("CLIENT", "PRODUCER", "CONSUMER")
_WSGI = ("flask", "django", "falcon", "pyramid")
_ASGI = ("starlette", "fastapi")

SCENARIOS: dict[str, Scenario] = {
    **{
        name: _database("dbapi", name, _SERVERS.get(name, "mariadb"), name)
        for name in ("sqlite3", "psycopg", "psycopg2", "pymysql", "mysqlclient", "mysql")
    },
    "asyncpg": _database("asyncpg_client", "asyncpg", "postgres"),
    **{
        f"sqlalchemy-{driver}": _database("sqlalchemy_engine", "sqlalchemy", _SERVERS.get(driver, "mariadb"), driver)
        for driver in ("psycopg", "psycopg2", "pymysql", "asyncpg")
    },
    "redis": _database("redis_client", "redis", "redis"),
    "pymemcache": _database("memcached_client", "pymemcache", "memcached"),
    "grpc-threads": Scenario("grpc_calls", ("grpc_client", "grpc_server"), ("CLIENT", "SERVER"), "threads"),
    "grpc-coroutines": Scenario("grpc_calls", ("grpc_aio_client", "grpc_aio_server"), ("CLIENT", "SERVER"), "coroutines"),
    **{
        name: Scenario("http_clients", (instrumentor,), ("CLIENT",), name)
        for name, instrumentor in {
            "httpx": "httpx",
            "httpx-async": "httpx",
            "requests": "requests",
            "urllib3": "urllib3",
            "urllib": "urllib",
            "aiohttp": "aiohttp-client",
            "tornado": "tornado",
        }.items()
    },
    "web-wsgi": Scenario("web_wsgi", (), ("SERVER",), "wsgi"),
    **{f"web-{name}": Scenario("web_wsgi", (name,), ("SERVER",), name) for name in _WSGI},
    "web-asgi": Scenario("web_asgi", (), ("SERVER",), "asgi"),
    **{f"web-{name}": Scenario("web_asgi", (name,), ("SERVER",), name) for name in _ASGI},
    "web-django-asgi": Scenario("web_asgi", ("django",), ("SERVER",), "django-asgi"),
    "web-aiohttp": Scenario("web_native", ("aiohttp-server",), ("SERVER",), "aiohttp"),
    "web-tornado": Scenario("web_native", ("tornado",), ("SERVER",), "tornado"),
    "botocore": Scenario("aws_client", ("botocore",), _AWS),
    "celery": Scenario("celery_tasks", ("celery",), ("PRODUCER", "CONSUMER"), server="redis"),
}
