"""Whether a PostgreSQL server answers over an idle connection of psycopg: an empty query, sent and received below psycopg.

It begins no transaction and changes nothing of the session. It waits here and not in psycopg, which cannot be told to stop: a
server that is frozen keeps nobody longer than is given. Source: PostgreSQL documentation, libpq, 33.4 asynchronous commands.
"""

from __future__ import annotations

import select
import sys
from time import monotonic
from typing import Any

_EMPTY_QUERY = 0
"""PGRES_EMPTY_QUERY."""

_SILENT = "the server does not answer"


def answers(pgconn: Any, seconds: float) -> None:  # noqa: ANN401 - psycopg.pq.PGconn
    """Return once the server has answered; TimeoutError, or psycopg's own errors."""
    ends = monotonic() + seconds
    poll = select.poll()
    poll.register(pgconn.socket, select.POLLIN)
    pgconn.send_query(b"")
    pgconn.flush()
    while not _complete(pgconn):
        if not poll.poll(max((ends - monotonic()) * 1000, 0)):
            raise TimeoutError(_SILENT)
        pgconn.consume_input()


async def answers_soon(pgconn: Any, seconds: float) -> None:  # noqa: ANN401 - as above
    """Return once the server has answered; in the event loop of its connection."""
    loop = sys.modules["asyncio"].get_running_loop()
    ends = loop.time() + seconds
    pgconn.send_query(b"")
    pgconn.flush()
    while not _complete(pgconn):
        await _readable(loop, pgconn.socket, ends)
        pgconn.consume_input()


async def _readable(loop: Any, descriptor: int, ends: float) -> None:  # noqa: ANN401 - an event loop
    readable = loop.create_future()
    timer = loop.call_at(ends, _settle, readable, TimeoutError(_SILENT))
    loop.add_reader(descriptor, _settle, readable, None)
    try:
        await readable
    finally:
        loop.remove_reader(descriptor)
        timer.cancel()


def _settle(future: Any, error: Exception | None) -> None:  # noqa: ANN401 - as above
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _complete(pgconn: Any) -> bool:  # noqa: ANN401 - as above
    """Say whether the answer is there, whole; ConnectionError where it is an error."""
    while not pgconn.is_busy():
        result = pgconn.get_result()
        if result is None:
            return True
        if result.status != _EMPTY_QUERY:
            message = (result.error_message or b"").decode("utf-8", "replace")
            raise ConnectionError(message)
    return False
