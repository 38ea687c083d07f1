"""Which programs are run under upstream's instrumentors and under ours, and where ours record something else on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.parity.comparing import MISSING, OTHER, Difference


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


@dataclass(frozen=True)
class Deliberate:
    """A difference on purpose. `scenarios`, `subject` and `what` are patterns with `*`, several parted by spaces."""

    scenarios: str
    what: str
    """What of a `Difference`."""
    how: str
    reason: str
    """What upstream's is, and what ours is instead and why; a sentence of the documentation."""
    subject: str = "*"
    """The metric, or `*` for spans."""
    steps: str = "*"
    """Steps of the programs, parted by commas."""

    def is_of(self, scenario: str) -> bool:
        """Say whether this is a difference of a scenario."""
        return _fits(scenario, self.scenarios.split())

    def covers(self, scenario: str, difference: Difference) -> bool:
        """Say whether this is the reason for a difference."""
        of_metric = "." in difference.step
        steps = ("*",) if of_metric else self.steps.split(",")
        subjects = self.subject.split() if of_metric else ("*",)
        return (
            of_metric == (self.subject != "*")
            and difference.how == self.how
            and self.is_of(scenario)
            and _fits(difference.what, self.what.split())
            and _fits(difference.step, subjects)
            and _fits(difference.step, steps)
        )


def _fits(text: str, patterns: tuple[str, ...] | list[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


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

_DBAPI = "sqlite3 psycopg psycopg2 pymysql mysqlclient mysql"
_SQL = f"{_DBAPI} asyncpg sqlalchemy-*"
_MARIADB = "pymysql mysqlclient mysql sqlalchemy-pymysql"
_HTTP = "httpx httpx-async requests urllib3 urllib aiohttp tornado"
_BODIES = "http.client.request.body.size"

DELIBERATE: tuple[Deliberate, ...] = (
    # --- SQL
    Deliberate(
        _SQL,
        "name",
        OTHER,
        "the verb, to which SQLAlchemy adds the database; ours is the summary of the statement, as the conventions ask",
    ),
    Deliberate(_SQL, "db.query.text", OTHER, "the statement as it is; ours has `?` in the place of each value"),
    Deliberate(
        "sqlalchemy-*",
        "db.operation.name",
        MISSING,
        "the verb of the statement, and the database; the conventions forbid to read it from the text: `db.query.summary` has it",
    ),
    Deliberate(
        _DBAPI,
        "db.operation.name",
        MISSING,
        "the verb of the statement; the conventions forbid to read it from the text: `db.query.summary` has it",
        "db.*",
    ),
    Deliberate(_MARIADB, "db.system.name", OTHER, "`mysql`; ours says `mariadb` where the server is one"),
    Deliberate(
        "pymysql mysqlclient mysql", "db.system.name", OTHER, "`mysql`; ours says `mariadb` where the server is one", "db.*"
    ),
    Deliberate(_DBAPI, "error.type", OTHER, "the name of the exception; ours is the code of the database", "db.*"),
    Deliberate("asyncpg", "error.type", OTHER, "the name of the exception; ours is the code of the database"),
    Deliberate(
        "sqlite3 mysql",
        "metric",
        MISSING,
        "the driver's `rowcount`, which is that of changed rows; ours counts rows where the driver knows how many come back",
        "db.client.response.returned_rows",
    ),
    Deliberate(
        "asyncpg",
        "spans",
        MISSING,
        "a span for each step of a cursor, BEGIN, COMMIT, and the statement by which asyncpg resets a connection; ours has a span a cursor, and BEGIN and COMMIT by setting",
        steps="cursor,pool",
    ),
    Deliberate(
        "sqlalchemy-*",
        "spans",
        MISSING,
        "a span for taking a connection from the pool; ours are metrics of the pool",
        steps="connect",
    ),
    Deliberate("sqlalchemy-*", "metric", MISSING, "an older name of `db.client.connection.count`", "db.client.connections.usage"),
    # --- caches
    Deliberate(
        "redis pymemcache",
        "name",
        OTHER,
        "all commands of a pipeline, or the method of the client; ours is the command, or what the conventions call a batch",
    ),
    Deliberate(
        "redis pymemcache",
        "db.query.text",
        OTHER,
        "`?` in the place of keys, or no values at all; ours keeps keys and has `?` in the place of values",
    ),
    Deliberate(
        "redis", "db.redis.*", MISSING, "not in the conventions; `db.operation.batch.size` is how many commands a pipeline has"
    ),
    Deliberate(
        "redis",
        "status",
        OTHER,
        "unset; a transaction that another client undid is an error, as the application is told by an exception",
        steps="watched",
    ),
    # --- gRPC
    Deliberate("grpc-*", "name", OTHER, "begins with a slash; the conventions have none"),
    Deliberate("grpc-*", "net.peer.*", MISSING, "older names of `network.peer.address` and `network.peer.port`"),
    Deliberate("grpc-*", "rpc.user_agent", MISSING, "not in the conventions"),
    Deliberate(
        "grpc-*",
        "rpc.grpc.status_code status",
        OTHER,
        "OK, although the handler failed; ours is what the client was told",
        steps="raise",
    ),
    # --- HTTP clients
    Deliberate(
        _HTTP,
        "error.type",
        OTHER,
        "the class of the exception, without its module, or one that the library put around it; ours is the whole name, or the status where there is one",
    ),
    Deliberate(_HTTP, "error.type", OTHER, "as on the spans", "http.client.*"),
    Deliberate(
        "httpx httpx-async requests",
        "network.peer.*",
        MISSING,
        "the host of the URL, although nobody answered; ours is who answered",
        steps="no answer,nobody there",
    ),
    Deliberate(
        "httpx httpx-async requests",
        "network.peer.address",
        OTHER,
        "the host of the URL; ours is the address that answered",
        steps="host name",
    ),
    Deliberate("requests", "user_agent.original", MISSING, "the conventions leave it out unless it is asked for"),
    Deliberate("aiohttp", "url.full", OTHER, "`REDACTED` in the place of credentials; ours leaves them out", steps="credentials"),
    Deliberate(
        "tornado", "http.response.status_code", MISSING, "599, which is Tornado's own; there was no answer", steps="no answer"
    ),
    Deliberate("urllib3 urllib tornado", "*", OTHER, "counts requests without a body too; ours those with one", _BODIES),
    Deliberate("urllib3 urllib", "error.type", MISSING, "counts requests without a body too; ours those with one", _BODIES),
    Deliberate("tornado", "url.full", MISSING, "a series for each URL; the conventions have it on spans alone", "http.client.*"),
    # --- HTTP servers
    Deliberate("web-*", "server.address", OTHER, "the `Host` header with its port; ours is the host, and `server.port` the port"),
    Deliberate(
        "web-*", "error.type", OTHER, "500, or the class of the exception without its module; ours is the exception's whole name"
    ),
    Deliberate("web-*", "error.type", OTHER, "as on the spans", "http.server.*"),
    Deliberate(
        "web-asgi web-starlette web-fastapi web-django-asgi",
        "client.port",
        MISSING,
        "the conventions leave it out unless it is asked for; `network.peer.port` has it",
    ),
    Deliberate(
        "web-wsgi web-asgi web-flask",
        "name",
        OTHER,
        "the path where there is no route, which is a name for each URL; ours is the method",
    ),
    Deliberate(
        "web-falcon web-starlette",
        "name",
        OTHER,
        "the method as it was sent; ours is `HTTP` where the conventions do not know it",
        steps="strange",
    ),
    Deliberate("web-pyramid", "name", OTHER, "the route without the method, or the path where there is no route"),
    Deliberate("web-django web-django-asgi", "name http.route", OTHER, "the route without the slash that the path begins with"),
    Deliberate("web-django web-django-asgi", "http.route", OTHER, "as on the spans", "http.server.*"),
    Deliberate("web-tornado", "name", OTHER, "a route made of the handler's arguments; ours is the pattern of the application"),
    Deliberate(
        "web-tornado",
        "http.route",
        OTHER,
        "a route made of the handler's arguments; ours is the pattern of the application",
        "http.server.*",
    ),
    Deliberate("web-tornado", "network.protocol.version", OTHER, "`HTTP/1.1`; the conventions have `1.1`"),
    Deliberate("web-tornado", "network.protocol.version", OTHER, "`HTTP/1.1`; the conventions have `1.1`", "http.server.*"),
    Deliberate(
        "web-tornado",
        "network.protocol.version",
        MISSING,
        "the conventions have it not on this metric",
        "http.server.active_requests",
    ),
    Deliberate(
        "web-tornado web-pyramid",
        "url.full",
        MISSING,
        "of requests that are served the conventions have `url.path` and `url.query`",
    ),
    Deliberate(
        "web-tornado web-falcon",
        "tornado.handler falcon.resource",
        MISSING,
        "not in the conventions; `http.route` says where a request went",
    ),
    Deliberate(
        "web-tornado web-falcon", "unit", OTHER, "`requests`; the conventions have `{request}`", "http.server.active_requests"
    ),
    Deliberate("web-aiohttp", "http.route", MISSING, "empty where there is no route; ours is left out", steps="none"),
    Deliberate("web-aiohttp", "http.route", MISSING, "as on the spans", "http.server.*"),
    # --- others
    Deliberate(
        "botocore",
        "http.status_code db.system db.operation net.peer.name messaging.* aws.queue_url",
        MISSING,
        "older names, not stable ones",
    ),
    Deliberate("botocore", "aws.dynamodb.* aws.sns.* retry_attempts", MISSING, "not stable in the conventions"),
    Deliberate(
        "botocore",
        "spans",
        MISSING,
        "a producer, for messages of SNS alone; ours is a call of AWS like the others",
        steps="publish",
    ),
    Deliberate("celery", "name", OTHER, "`apply_async/…` and `run/…`; ours are `send …` and `process …`, as the conventions ask"),
    Deliberate(
        "celery", "messaging.*", MISSING, "older names: of `messaging.destination.name` and `messaging.message.conversation_id`"
    ),
    Deliberate(
        "celery", "celery.delivery_info celery.reply_to", MISSING, "not in the conventions, and they tell of Celery's own queues"
    ),
)
