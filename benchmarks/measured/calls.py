"""Makes calls of one kind, and prints how much CPU time each took: of this process, and of the server that serves them, in µs.

Who is asked runs on another processor; the server of gRPC is instrumented too. The last batch of spans belongs to the calls: it
is waited for.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent.parent))
from benchmarks.serving import cpu_seconds

TIMES, WARM = 4_000, 500
LAST_BATCH_SECONDS = 1.5


def psycopg() -> Callable[[], object]:
    """Return one statement with a parameter, of a cursor that is kept."""
    from psycopg import connect

    cursor = connect(os.environ["BENCH_POSTGRES_URL"], autocommit=True).cursor()
    return lambda: cursor.execute("SELECT name FROM (VALUES (1, 'tea'), (2, 'milk')) AS items (id, name) WHERE id = %s", (1,))


def redis() -> Callable[[], object]:
    """Return one command."""
    from redis import Redis

    client = Redis(port=int(os.environ["BENCH_REDIS_PORT"]))
    client.set("key", "value")
    return lambda: client.get("key")


def grpc() -> Callable[[], object]:
    """Return one unary call."""
    from grpc import insecure_channel

    get = insecure_channel(f"127.0.0.1:{sys.argv[2]}").unary_unary("/shop.Orders/Get")
    return lambda: get(b"order")


def main() -> None:
    """Measure."""
    call = {"psycopg": psycopg, "redis": redis, "grpc": grpc}[sys.argv[1]]()
    processes = [os.getpid(), *map(int, sys.argv[3:])]
    for _ in range(WARM):
        call()
    time.sleep(LAST_BATCH_SECONDS)
    before = sum(map(cpu_seconds, processes))
    for _ in range(TIMES):
        call()
    time.sleep(LAST_BATCH_SECONDS)
    print(json.dumps((sum(map(cpu_seconds, processes)) - before) / TIMES * 1e6))


main()
