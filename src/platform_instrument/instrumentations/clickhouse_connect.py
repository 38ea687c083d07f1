"""clickhouse-connect: queries, commands and inserts of its clients, one span each, whatever they are returned as.

The requests over HTTP below are a detail. A stream is told until its first block is there. What a client asks when it is made is
no statement of the application's.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/sql/ (version 1.37.0); clickhouse_connect/driver/client.py,
clickhouse_connect/driver/httpclient.py, clickhouse_connect/driver/asyncclient.py (1.0 to 1.12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from platform_instrument.core import families
from platform_instrument.core.values import Instrumentation, Observe
from platform_instrument.semantics.database import batch, database, query
from platform_instrument.semantics.dbapi import Driver, failed, own_question

if TYPE_CHECKING:
    from platform_instrument.core.values import Attributes, Call, Operation
    from platform_instrument.semantics.database import Database

_QUERIES = ("query", "query_df", "query_np", "query_arrow", "query_df_arrow", "raw_query", "raw_stream", "query_rows_stream")
_STREAMS = ("query_row_block_stream", "query_column_block_stream", "query_df_stream", "query_np_stream", "query_arrow_stream")
_INSERTS = ("insert", "insert_df", "insert_arrow", "insert_df_arrow", "raw_insert")


def look(client: Any) -> Database:  # noqa: ANN401 - clickhouse_connect.driver.client.Client
    """Return where a client leads."""
    address = urlsplit(getattr(client, "url", None) or getattr(client, "uri", None) or "")
    namespace = getattr(client, "database", None)
    return database("clickhouse", namespace if isinstance(namespace, str) else "", address.hostname or "", address.port or 0)


DRIVER = Driver("clickhouse", look, connection="")


def asked(call: Call) -> Operation:
    """Return what is asked, in words or as a context that was made before."""
    text = call.argument(1, "query") or getattr(call.kwargs.get("context"), "query", None)
    return query(DRIVER.known(call.args[0]), text)


def commanded(call: Call) -> Operation:
    """Return what is commanded."""
    return query(DRIVER.known(call.args[0]), call.argument(1, "cmd"))


def inserted(call: Call) -> tuple[Operation, Attributes | None] | Operation:
    """Return what is inserted into; how many rows only a list of rows tells."""
    table = call.argument(1, "table") or getattr(call.kwargs.get("context"), "table", "")
    rows = call.argument(2, "data")
    where, text = DRIVER.known(call.args[0]), f"INSERT INTO {table}"
    is_rows = isinstance(rows, (list, tuple)) and not call.kwargs.get("column_oriented")
    return batch(where, text, rows) if is_rows else query(where, text)


def _client(target: str, opening: str, *, optional: bool = False) -> tuple[Observe, ...]:
    return (
        *[Observe(f"{target}.{name}", asked, error=failed, optional=True) for name in (*_QUERIES[1:], *_STREAMS)],
        *[Observe(f"{target}.{name}", inserted, error=failed, optional=True) for name in _INSERTS],
        Observe(f"{target}.query", asked, error=failed, optional=optional),
        Observe(f"{target}.command", commanded, error=failed, optional=optional),
        Observe(f"{target}.{opening}", own_question, optional=optional),
    )


INSTRUMENTATION = Instrumentation(
    name="clickhouse_connect",
    requires="clickhouse-connect>=1.0,<2",
    patches=(
        *_client("clickhouse_connect.driver.httpclient:HttpClient", "__init__"),
        *_client("clickhouse_connect.driver.asyncclient:AsyncClient", "_initialize", optional=True),
    ),
    family=families.DB_CLIENT | families.HTTP_CLIENT,
    modules=("clickhouse_connect",),
)
