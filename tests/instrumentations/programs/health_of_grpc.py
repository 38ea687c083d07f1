"""A gRPC server, of threads or of coroutines, and what its health service answers to a client in the same process, as JSON."""

import asyncio
import json
import sys
from concurrent import futures
from typing import Any

import grpc
from grpc import aio

CHECK = "/grpc.health.v1.Health/Check"
ORDERS = grpc.method_handlers_generic_handler(
    "shop.Orders", {"Get": grpc.unary_unary_rpc_method_handler(lambda request, _context: request)}
)
OWN = grpc.method_handlers_generic_handler(
    "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"own")}
)
HANDLERS = [OWN, ORDERS] if "own" in sys.argv else [ORDERS]
REQUESTS = {
    name: b"\x0a" + bytes([len(name)]) + name.encode() if name else b""
    for name in ("", "shop.Orders", "readiness", "startup", "liveness", "nobody")
}
REQUESTS |= {"broken": b"\x0a", "long": b"\x0a\xff\x01" + b"x" * 255, "strange": b"\x12\x01x"}


def ask(channel: Any) -> dict[str, str]:
    """Return what each request is answered with: bytes in digits, or the code of a refusal."""
    found = {}
    for name, request in REQUESTS.items():
        try:
            found[name] = channel.unary_unary(CHECK)(request, timeout=10).hex()
        except grpc.RpcError as error:
            found[name] = error.code().name
    return found


def tell(port: int) -> None:
    """Print what is answered by a process that is ready, and by one that drains."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        found = [ask(channel)]
        health = sys.modules.get("platform_instrument.engine.health")
        if health is not None:
            health.HEALTH.drain()
            found.append(ask(channel))
        called = channel.unary_unary("/shop.Orders/Get")(b"order", timeout=10)
    print(json.dumps([*found, called.decode()]))  # noqa: T201 - what the test reads


def threads() -> None:
    """Serve with threads."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(HANDLERS)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    tell(port)
    server.stop(None)


async def coroutines() -> None:
    """Serve with coroutines, with handlers that the server is made with."""
    server = aio.server(handlers=HANDLERS)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await asyncio.to_thread(tell, port)
    await server.stop(None)


if sys.argv[1] == "threads":
    threads()
else:
    asyncio.run(coroutines())
