"""What a call costs by itself: a statement, a command, a call of gRPC with its two sides, under each implementation in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

from benchmarks.environments import BARE, FOLDER, OURS, RPC_PORT, VANILLA, Implementation, upstream
from benchmarks.serving import listens, running

_LIBRARIES = ("grpcio==1.85.3", "psycopg[binary]==3.3.9", "redis==8.1.0")
_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"

IMPLEMENTATIONS = (
    replace(BARE, folder_name="calls-bare", service=_LIBRARIES),
    replace(OURS, folder_name="calls-ours", service=_LIBRARIES),
    replace(VANILLA, folder_name="calls-vanilla", packages=upstream("grpc", "psycopg", "redis"), service=_LIBRARIES),
)
KINDS = {"a statement by psycopg": "psycopg", "a command by redis-py": "redis", "a unary call by grpcio, both sides": "grpc"}


def possible(redis: str | None) -> dict[str, str]:
    """Return the kinds whose servers are here, or can be started."""
    os.environ.setdefault("BENCH_POSTGRES_URL", _POSTGRES)
    missing = {"redis"} if redis is None else set()
    if os.environ["BENCH_POSTGRES_URL"] == _POSTGRES and not listens(5432):
        missing.add("psycopg")
    for kind in missing:
        print(f"no server for {kind} here: it is left out", file=sys.stderr)
    return {row: kind for row, kind in KINDS.items() if kind not in missing}


def measure(implementation: Implementation, kind: str) -> float:
    """Return the CPU time of one call, in µs."""
    script = ("-m", "calls", kind)
    if kind != "grpc":
        return _printed(implementation, *script)
    command, env = implementation.program("-m", "rpc_service", str(RPC_PORT), cpu=1)
    with running(command, RPC_PORT, env=env, cwd=FOLDER) as server:
        return _printed(implementation, *script, str(RPC_PORT), str(server.pid))


def _printed(implementation: Implementation, *arguments: str) -> float:
    command, env = implementation.program(*arguments)
    done = subprocess.run(command, env=env, cwd=FOLDER, check=True, stdout=subprocess.PIPE, text=True)
    return float(json.loads(done.stdout))
