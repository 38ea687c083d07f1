"""Which loggers the flight recorder keeps: those that are named and those below them; by `*`, all but what libraries chatter.

`-name` leaves a logger out, with those below it; what is said of the nearest one above counts. Below a library's logger nothing
is kept unless it is named: such libraries do more than log where they are asked for it (SQLAlchemy watches every row that it
fetches), or say so much that they fill the ring.
"""

from __future__ import annotations

LIBRARIES = frozenset({
    "aio_pika", "aiobotocore", "aiohttp", "aiokafka", "aiormq", "aiosqlite", "amqp", "asyncio", "asyncpg", "azure", "boto",
    "boto3", "botocore", "cassandra", "charset_normalizer", "concurrent", "daphne", "ddtrace", "django.db.backends",
    "django.template", "django.utils.autoreload", "docker", "elastic_transport", "elasticsearch", "faker", "filelock",
    "fontTools", "fsspec", "google", "gql", "granian", "grpc", "gunicorn", "h11", "h2", "h5py", "hpack", "httpcore", "httpx",
    "hypercorn", "kafka", "kombu", "MARKDOWN", "markdown_it", "matplotlib", "msal", "multipart", "nats", "neo4j", "newrelic",
    "numba", "oauthlib", "openai", "opensearch", "opentelemetry", "paramiko", "parso", "pika", "PIL", "psycopg", "psycopg2",
    "pymongo", "pyodbc", "python_multipart", "redis", "requests", "requests_oauthlib", "rustls", "s3fs", "s3transfer",
    "selenium", "sentry_sdk", "smart_open", "snowflake", "sqlalchemy", "suds", "tornado", "transformers", "twisted", "urllib3",
    "uvicorn", "waitress", "websocket", "websockets", "werkzeug", "zeep",
})  # fmt: skip
"""Loggers of libraries, servers and agents whose debug lines are left alone by `*`."""

ALL = "*"
_LEAVE_OUT = "-"
_MOST_KNOWN = 4_096


class Chosen:
    """The loggers of the setting `PLATFORM_LOG_FLIGHT_RECORDER_LOGGERS`; answers are remembered by name."""

    __slots__ = ("_known", "_rules")

    def __init__(self, names: tuple[str, ...]) -> None:
        self._rules = dict.fromkeys(LIBRARIES, False)
        self._rules[""] = ALL in names
        for name in names:
            if name != ALL:
                self._rules[name.removeprefix(_LEAVE_OUT)] = not name.startswith(_LEAVE_OUT)
        self._known: dict[str, bool] = {}

    def has(self, name: str) -> bool:
        """Say whether the lines of a logger are kept."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[name] = self._ruled(name)
        return known

    def _ruled(self, name: str) -> bool:
        while name not in self._rules:
            name = name.rpartition(".")[0]
        return self._rules[name]
