"""A gRPC server, of threads or of an event loop, with a call that takes two seconds."""

import asyncio
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc


def work() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("SELECT 1").fetchall()
    connection.close()


def slow(request: bytes, _context: Any) -> bytes:
    time.sleep(2)
    work()
    return request


def quick(request: bytes, _context: Any) -> bytes:
    return request


async def slow_in_a_loop(request: bytes, _context: Any) -> bytes:
    await asyncio.sleep(2)
    work()
    return request


async def quick_in_a_loop(request: bytes, _context: Any) -> bytes:
    return request


def handlers(slow: Any, quick: Any) -> Any:
    methods = {"slow": grpc.unary_unary_rpc_method_handler(slow), "quick": grpc.unary_unary_rpc_method_handler(quick)}
    return grpc.method_handlers_generic_handler("calls", methods)


def serve_sync(port: str) -> None:
    server = grpc.server(ThreadPoolExecutor(4), handlers=(handlers(slow, quick),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def serve_aio(port: str) -> None:
    async def main() -> None:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((handlers(slow_in_a_loop, quick_in_a_loop),))
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        await server.wait_for_termination()

    asyncio.run(main())


if __name__ == "__main__":
    globals()[f"serve_{sys.argv[1]}"](sys.argv[2])
