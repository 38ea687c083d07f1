"""Where ours record something else than upstream's instrumentors on purpose, and why: the table that the documentation shows."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tests.parity.comparing import MISSING, OTHER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.parity.comparing import Difference

SPANS = "spans"


@dataclass(frozen=True)
class Deliberate:
    """A difference on purpose. All but `how` and `reason` are patterns with `*`, several of them parted by spaces."""

    scenarios: str
    what: str
    """What of a `Difference`."""
    how: str
    reason: str
    """What upstream's is; then, after a semicolon, what ours is or why there is none."""
    subject: str = SPANS
    """`spans`, metrics, or both."""
    steps: str = "*"
    """Steps of the programs, parted by commas; of metrics it is not known of which."""

    def is_of(self, scenario: str) -> bool:
        """Say whether this is a difference of a scenario."""
        return _fits(scenario, self.scenarios.split())

    def covers(self, scenario: str, difference: Difference) -> bool:
        """Say whether this is the reason for a difference."""
        return (
            difference.how == self.how
            and self.is_of(scenario)
            and _fits(difference.what, self.what.split())
            and _fits(SPANS if difference.of_span else difference.step, self.subject.split())
            and (not difference.of_span or _fits(difference.step, self.steps.split(",")))
        )


def _fits(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


_DBAPI = "sqlite3 psycopg psycopg2 pymysql mysqlclient mysql"
_ALCHEMY = "sqlalchemy-psycopg sqlalchemy-psycopg2 sqlalchemy-pymysql"
_SQL = f"{_DBAPI} asyncpg {_ALCHEMY} sqlalchemy-asyncpg"
_BODY, _OPEN = "http.client.request.body.size", "http.server.active_requests"
_PATHS = "web-wsgi web-asgi web-flask"
_ASGI = "web-asgi web-starlette web-fastapi web-django-asgi"
_FRAMEWORKS = "web-wsgi web-flask web-django web-django-asgi web-falcon web-pyramid web-fastapi web-tornado"
_OPT_IN = "the conventions have it only where it is asked for"
_SIZES = "counts requests without a body too; ours counts bodies"
_NOT_TOLD = "the conventions do not have it"

DELIBERATE: tuple[Deliberate, ...] = (
    # SQL
    Deliberate(_SQL, "name", OTHER, "the verb, by SQLAlchemy with the database; ours is the statement's summary, as the conventions ask"),
    Deliberate(_SQL, "db.query.text", OTHER, "the statement as it is; ours has `?` in the place of values"),
    Deliberate(_DBAPI, "db.operation.name", MISSING, "the verb; the conventions advise against reading it from the text, and `db.query.summary` has it", "db.*"),
    Deliberate(f"{_ALCHEMY} sqlalchemy-asyncpg", "db.operation.name", MISSING, "the verb and the database; the conventions advise against reading it from the text, and `db.query.summary` has it"),
    Deliberate("pymysql mysqlclient mysql sqlalchemy-pymysql", "db.system.name", OTHER, "`mysql`; ours says `mariadb` where the server is one", "spans db.*"),
    Deliberate(f"{_DBAPI} asyncpg", "error.type", OTHER, "the name of the exception; ours is the database's own code", "spans db.*"),
    Deliberate("sqlite3 mysql", "metric", MISSING, "the driver's `rowcount`, changed rows among them; ours counts rows that come back, where the driver knows", "db.client.response.returned_rows"),
    Deliberate("asyncpg", "spans", MISSING, "BEGIN, COMMIT, each step of a cursor, and the statement by which asyncpg resets a connection; ours is a span a cursor, and transactions by setting", steps="cursor,pool"),
    Deliberate(_ALCHEMY, "spans", MISSING, "`connect`, for taking a connection from the pool; ours are the metrics of the pool", steps="connect"),
    Deliberate(f"{_ALCHEMY} sqlalchemy-asyncpg", "metric", MISSING, "an older name; ours is `db.client.connection.count`", "db.client.connections.usage"),
    # Caches
    Deliberate("redis pymemcache", "name", OTHER, "each command of a pipeline, or the client's method; ours is the command, or what the conventions call a batch"),
    Deliberate("redis pymemcache", "db.query.text", OTHER, "`?` in the place of keys, or no word of values; ours keeps keys and has `?` in the place of values"),
    Deliberate("redis", "db.redis.*", MISSING, f"{_NOT_TOLD}; `db.operation.batch.size` is how many commands a pipeline has"),
    Deliberate("redis", "status", OTHER, "unset where another client undid a transaction; ours is an error, since the application is told by an exception", steps="watched"),
    # gRPC
    Deliberate("grpc-*", "name", OTHER, "begins with a slash; ours does not, as the conventions say"),
    Deliberate("grpc-*", "net.peer.*", MISSING, "older names; ours are `network.peer.address` and `network.peer.port`"),
    Deliberate("grpc-*", "rpc.user_agent", MISSING, _NOT_TOLD),
    Deliberate("grpc-*", "rpc.grpc.status_code status", OTHER, "OK, although the handler failed; ours is what the client was told", steps="raise"),
    # HTTP clients
    Deliberate("httpx httpx-async requests urllib aiohttp tornado", "error.type", OTHER, "the exception's class without its module, or one that was put around it; ours is the whole name, or the status where there is one", "spans http.client.*"),
    Deliberate("httpx httpx-async requests", "network.peer.*", MISSING, "the host of the URL, although nobody answered; ours is who answered", steps="no answer,nobody there"),
    Deliberate("httpx httpx-async requests", "network.peer.address", OTHER, "the host of the URL; ours is the address that answered", steps="host name"),
    Deliberate("requests", "user_agent.original", MISSING, f"the client's own; {_OPT_IN}"),
    Deliberate("aiohttp", "url.full", OTHER, "`REDACTED` in the place of credentials; ours leaves them out", steps="credentials"),
    Deliberate("tornado", "http.response.status_code", MISSING, "599, which is Tornado's own; there was no answer", steps="no answer"),
    Deliberate("urllib3 urllib tornado", "*", OTHER, _SIZES, _BODY),
    Deliberate("urllib3 urllib", "error.type", MISSING, _SIZES, _BODY),
    Deliberate("tornado", "url.full", MISSING, "a series for each URL; the conventions have it on spans alone", "http.client.*"),
    Deliberate("requests urllib aiohttp tornado", "spans http.response.status_code", OTHER, "one span for all that a redirect leads to; ours is a span an attempt, as the conventions ask", steps="redirect"),
    # HTTP servers
    Deliberate("web-*", "http.request.header.x_tea_kind", MISSING, "`_` in the names of headers; ours has `-`, as the conventions say: `http.request.header.x-tea-kind`"),
    Deliberate(f"{_FRAMEWORKS} web-asgi web-starlette", "server.address", OTHER, "the `Host` header with its port; ours is the host, and `server.port` has the port"),
    Deliberate(f"{_FRAMEWORKS} web-aiohttp", "error.type", OTHER, "500, or the exception's class without its module; ours is the exception's whole name", "spans http.server.*"),
    Deliberate(_ASGI, "client.port", MISSING, f"the client's; {_OPT_IN}, and `network.peer.port` has it"),
    Deliberate(_PATHS, "name", OTHER, "the path where there is no route, a name for each URL; ours is the method"),
    Deliberate("web-falcon web-starlette", "name", OTHER, "the method as it was sent; ours is `HTTP` where the conventions do not know it", steps="strange"),
    Deliberate("web-pyramid", "name", OTHER, "the route alone, or the path where there is none; ours is the method and the route"),
    Deliberate("web-django web-django-asgi", "name http.route", OTHER, "the route as Django writes it; ours begins with the path's slash", "spans http.server.*"),
    Deliberate("web-tornado", "name http.route", OTHER, "a route made of the handler's arguments; ours is the application's pattern", "spans http.server.*"),
    Deliberate("web-tornado", "network.protocol.version", OTHER, "`HTTP/1.1`; ours is `1.1`, as the conventions say", "spans http.server.*"),
    Deliberate("web-tornado", "network.protocol.version", MISSING, "`HTTP/1.1`; the conventions do not have it on this metric", _OPEN),
    Deliberate("web-tornado web-pyramid", "url.full", MISSING, "the URL; for servers the conventions have `url.path` and `url.query`"),
    Deliberate("web-tornado web-falcon", "tornado.handler falcon.resource", MISSING, f"{_NOT_TOLD}; `http.route` says where a request went"),
    Deliberate("web-tornado web-falcon", "unit", OTHER, "`requests`; ours is `{request}`, as the conventions say", _OPEN),
    Deliberate("web-aiohttp", "http.route", MISSING, "empty where there is no route; ours is left out", "spans http.server.*", "none"),
    # Others
    Deliberate(
        f"{_DBAPI} asyncpg redis pymemcache grpc-* httpx httpx-async requests urllib3 urllib aiohttp tornado botocore",
        "event?exception",
        MISSING,
        "an event with the stack on each span that an exception passes; ours is on the request or the task that failed by it, and `error.type` is on each",
    ),
    Deliberate("botocore", "http.status_code db.system db.operation net.peer.name messaging.* aws.queue_url", MISSING, "older names; ours are `http.response.status_code`, `rpc.method`, `server.address`"),
    Deliberate("botocore", "aws.dynamodb.* aws.sns.* retry_attempts", MISSING, "the conventions do not have it, or not as stable"),
    Deliberate("botocore", "spans", MISSING, "a producer for messages of SNS; ours is a call like the others", steps="publish"),
    Deliberate("celery", "name", OTHER, "`apply_async/` and `run/`; ours are `send` and `process`, as the conventions ask"),
    Deliberate("celery", "messaging.*", MISSING, "older names; ours are `messaging.destination.name` and `messaging.message.conversation_id`"),
    Deliberate("celery", "celery.delivery_info celery.reply_to", MISSING, f"of Celery's own queues; {_NOT_TOLD}"),
    Deliberate("celery", "metric", MISSING, "seconds of a task; ours is `messaging.process.duration`", "flower.task.runtime.seconds"),
)  # fmt: skip
