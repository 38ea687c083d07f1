"""Pools of each library are closed when the last request is answered, those of an event loop inside it; inherited ones are not."""

from __future__ import annotations

import sys

import pytest

from platform_instrument.testing.collector import Collector
from tests.processes import Service, door, free_port, run
from tests.runtime.ending.ends import ORDERLY, PROGRAMS

ALL = [
    "closed asyncpg",
    "closed psycopg_pool",
    "closed psycopg_pool of a loop",
    "closed redis",
    "closed redis of a loop",
    "closed sqlalchemy of a loop",
]


@pytest.mark.parametrize(
    "words",
    [
        ["uvicorn", "pooled:asgi", "--port", "PORT"],
        [sys.executable, str(PROGRAMS / "pooled.py"), "PORT"],
        pytest.param(["uvicorn", "pooled:asgi", "--port", "PORT", "--workers", "1", "--reload"], marks=pytest.mark.slow),
        pytest.param(["hypercorn", "pooled:asgi", "--bind", "127.0.0.1:PORT"], marks=pytest.mark.slow),
        pytest.param(["granian", "--interface", "asgi", "pooled:asgi", "--port", "PORT"], marks=pytest.mark.slow),
    ],
    ids=lambda words: "aiohttp" if words[0] == sys.executable else f"{words[0]}{' reloaded' if '--reload' in words else ''}",
)
def test_pools_of_every_library_are_closed(words: list[str], postgres_url: str, redis_url: str) -> None:
    port = free_port()
    argv, variables = door("command", [word.replace("PORT", str(port)) for word in words])
    env = {**variables, **ORDERLY, "PLATFORM_SHUTDOWN_DELAY": "0.1", "POSTGRES": postgres_url, "REDIS": redis_url}
    with Collector() as collector, Service(argv, port, env=env, collector=collector, cwd=PROGRAMS) as service:
        assert service.get("/")[0] == 200
        service.terminate()
        closed = sorted({line for line in service.stdout.splitlines() if line.startswith("closed")})
        output = service.stdout + service.stderr
    assert closed == ALL, output
    assert "raised" not in output
    assert "never awaited" not in output


INHERITED = """
import os, sqlite3, sys, sqlalchemy
from sqlalchemy import event, pool
engine = sqlalchemy.create_engine("sqlite:///" + sys.argv[1], poolclass=pool.QueuePool)
event.listen(engine, "close", lambda *_: os.write(1, b"closed by the parent\\n" if os.getpid() == parent else b"closed by a child\\n"))
with engine.connect() as connection:
    connection.execute(sqlalchemy.text("SELECT 1"))
parent = os.getpid()
child = os.fork()
if child:
    os.waitpid(child, 0)
"""


def test_what_a_parent_has_opened_is_its_own_to_close(tmp_path: object, collector: Collector) -> None:
    argv, variables = door("command", [sys.executable, "-c", INHERITED, f"{tmp_path}/inherited.db"])
    done = run(argv, env={**variables, **ORDERLY}, collector=collector)
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed by the parent\n", "")
