"""gRPC, a client and a server of one kind: threads, coroutines."""

from __future__ import annotations

import asyncio
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
from grpc import aio
from steps import HOST, NAMED, PORT, step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def get(request: bytes, context: Any) -> bytes:
    """Answer twice the request, or fail."""
    if request == b"abort":
        context.abort(grpc.StatusCode.NOT_FOUND, "no such order")
    if request == b"fail":
        context.abort(grpc.StatusCode.DATA_LOSS, "the shelf is empty")
    if request == b"raise":
        raise LookupError
    return request * 2


def several(request: bytes, _context: Any) -> Iterator[bytes]:
    """Answer three times."""
    yield from [request] * 3


def put(requests: Iterator[bytes], _context: Any) -> bytes:
    """Answer all requests as one."""
    return b"".join(requests)


def chat(requests: Iterator[bytes], _context: Any) -> Iterator[bytes]:
    """Answer each request."""
    yield from requests


async def aget(request: bytes, context: Any) -> bytes:
    """Answer twice the request, or fail."""
    if request == b"abort":
        await context.abort(grpc.StatusCode.NOT_FOUND, "no such order")
    if request == b"fail":
        await context.abort(grpc.StatusCode.DATA_LOSS, "the shelf is empty")
    if request == b"raise":
        raise LookupError
    return request * 2


async def aseveral(request: bytes, _context: Any) -> AsyncIterator[bytes]:
    """Answer three times."""
    for _ in range(3):
        yield request


async def aput(requests: AsyncIterator[bytes], _context: Any) -> bytes:
    """Answer all requests as one."""
    return b"".join([request async for request in requests])


async def achat(requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
    """Answer each request."""
    async for request in requests:
        yield request


def handlers(one: Any, many: Any, taken: Any, both: Any) -> list[Any]:
    """Return the handlers of the service."""
    methods = {
        "Get": grpc.unary_unary_rpc_method_handler(one),
        "List": grpc.unary_stream_rpc_method_handler(many),
        "Put": grpc.stream_unary_rpc_method_handler(taken),
        "Chat": grpc.stream_stream_rpc_method_handler(both),
    }
    return [grpc.method_handlers_generic_handler("shop.Orders", methods)]


def threads() -> None:
    """Call a server of threads."""
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=handlers(get, several, put, chat))
    server.add_insecure_port(f"{HOST}:{PORT}")
    server.start()
    with grpc.insecure_channel(f"{HOST}:{PORT}") as channel:
        call = channel.unary_unary("/shop.Orders/Get")
        with step("unary"):
            call(b"milk")
        for name in ("abort", "fail", "raise"):
            with step(name, raises=grpc.RpcError):
                call(name.encode())
        with step("unknown", raises=grpc.RpcError):
            channel.unary_unary("/shop.Orders/None")(b"milk")
        with step("responses"):
            list(channel.unary_stream("/shop.Orders/List")(b"milk"))
        with step("requests"):
            channel.stream_unary("/shop.Orders/Put")(iter([b"milk", b"tea"]))
        with step("both"):
            list(channel.stream_stream("/shop.Orders/Chat")(iter([b"milk", b"tea"])))
    with step("nobody there", raises=grpc.RpcError), grpc.insecure_channel(f"{HOST}:1") as channel:
        channel.unary_unary("/shop.Orders/Get")(b"milk")
    server.stop(None).wait(10)


async def coroutines() -> None:
    """Call a server of coroutines."""
    server = aio.server(handlers=handlers(aget, aseveral, aput, achat))
    server.add_insecure_port(f"{HOST}:{PORT}")
    await server.start()

    async def requests() -> AsyncIterator[bytes]:
        for each in (b"milk", b"tea"):
            yield each

    async with aio.insecure_channel(f"{HOST}:{PORT}") as channel:
        call = channel.unary_unary("/shop.Orders/Get")
        with step("unary"):
            await call(b"milk")
        for name in ("abort", "fail", "raise"):
            with step(name, raises=grpc.RpcError):
                await call(name.encode())
        with step("responses"):
            [message async for message in channel.unary_stream("/shop.Orders/List")(b"milk")]
        with step("requests"):
            await channel.stream_unary("/shop.Orders/Put")(requests())
        with step("both"):
            [message async for message in channel.stream_stream("/shop.Orders/Chat")(requests())]
    with step("nobody there", raises=grpc.RpcError):
        async with aio.insecure_channel(f"{HOST}:1") as channel:
            await channel.unary_unary("/shop.Orders/Get")(b"milk")
    await server.stop(None)


if NAMED == "threads":
    threads()
else:
    asyncio.run(coroutines())
