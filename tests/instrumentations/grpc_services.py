"""A gRPC service without generated code, served by threads or by coroutines, and clients of both kinds that call it alike."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
import grpc._channel
import grpc._server
from grpc import aio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence

    Asked = Callable[[bytes], Any]

KINDS = ("threads", "coroutines")
SERVICE = "shop.Orders"
CODE = grpc.StatusCode
WAIT = 10.0


class Service:
    """What the handlers do: `seen` is called within each of them with the request."""

    def __init__(self, seen: Asked = lambda _request: None) -> None:
        self.seen = seen
        self.release = threading.Event()

    # --- by threads -----------------------------------------------------------------------------------------------

    def get(self, request: bytes, context: Any) -> bytes:
        self.seen(request)
        if request == b"abort":
            context.abort(CODE.NOT_FOUND, "no such order")
        if request == b"fail":
            context.abort(CODE.DATA_LOSS, "the shelf is empty")
        if request == b"code":
            context.set_code(CODE.UNAVAILABLE)
            context.set_details("come back later")
        if request == b"raise":
            message = "nothing here"
            raise LookupError(message)
        if request == b"wait":
            self.release.wait(WAIT)
        return request * 2

    def list(self, request: bytes, context: Any) -> Iterator[bytes]:
        for number in range(3):
            self.seen(request)
            if request == b"raise" and number:
                message = "nothing here"
                raise LookupError(message)
            if request == b"wait" and number:
                while context.is_active():
                    time.sleep(0.01)
            yield request + str(number).encode()

    def put(self, requests: Iterator[bytes], _context: Any) -> bytes:
        taken = list(requests)
        self.seen(b"".join(taken))
        return b"+".join(taken)

    def chat(self, requests: Iterator[bytes], _context: Any) -> Iterator[bytes]:
        for request in requests:
            self.seen(request)
            yield request * 2

    # --- by coroutines --------------------------------------------------------------------------------------------

    async def aget(self, request: bytes, context: Any) -> bytes:
        self.seen(request)
        if request == b"abort":
            await context.abort(CODE.NOT_FOUND, "no such order")
        if request == b"fail":
            await context.abort(CODE.DATA_LOSS, "the shelf is empty")
        if request == b"code":
            context.set_code(CODE.UNAVAILABLE)
            context.set_details("come back later")
        if request == b"raise":
            message = "nothing here"
            raise LookupError(message)
        while request == b"wait" and not self.release.is_set():  # noqa: ASYNC110 - it is set by another thread
            await asyncio.sleep(0.01)
        return request * 2

    async def alist(self, request: bytes, _context: Any) -> AsyncIterator[bytes]:
        for number in range(3):
            self.seen(request)
            if request == b"raise" and number:
                message = "nothing here"
                raise LookupError(message)
            if request == b"wait" and number:
                await asyncio.sleep(WAIT)
            yield request + str(number).encode()

    async def aput(self, requests: AsyncIterator[bytes], _context: Any) -> bytes:
        taken = [request async for request in requests]
        self.seen(b"".join(taken))
        return b"+".join(taken)

    async def achat(self, requests: AsyncIterator[bytes], context: Any) -> None:
        async for request in requests:
            self.seen(request)
            await context.write(request * 2)

    def handlers(self, kind: str, *, asynchronous: bool | None = None) -> tuple[grpc.GenericRpcHandler, ...]:
        """Return the handlers; those of coroutines can be served by coroutines alone."""
        own = kind == "coroutines" if asynchronous is None else asynchronous
        methods = {
            "Get": grpc.unary_unary_rpc_method_handler(self.aget if own else self.get),
            "List": grpc.unary_stream_rpc_method_handler(self.alist if own else self.list),
            "Put": grpc.stream_unary_rpc_method_handler(self.aput if own else self.put),
            "Chat": grpc.stream_stream_rpc_method_handler(self.achat if own else self.chat),
        }
        return (grpc.method_handlers_generic_handler(SERVICE, methods),)


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT * 2)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(WAIT)
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


@contextlib.contextmanager
def serving(kind: str, handlers: Sequence[grpc.GenericRpcHandler], **options: Any) -> Iterator[int]:
    """Serve, and yield the port."""
    if kind == "threads":
        server = grpc.server(futures.ThreadPoolExecutor(8), handlers=handlers, **options)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield port
        server.stop(None).wait(WAIT)
        return
    loop = Loop()

    async def start() -> tuple[Any, int]:
        server = aio.server(futures.ThreadPoolExecutor(4), handlers=handlers, **options)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    server, port = loop.run(start())
    yield port
    loop.run(server.stop(None))
    loop.close()


def ask(kind: str, port: int, method: str, request: Any, **options: Any) -> Any:
    """Call a method by a client of a kind; a list is a stream of requests, and so are the responses of a stream."""
    channel_options = options.pop("channel", {})
    shape = f"{'stream' if isinstance(request, list) else 'unary'}_{'stream' if method in {'List', 'Chat'} else 'unary'}"
    serializers = {key: options.pop(key) for key in ("request_serializer", "response_deserializer") if key in options}
    options = {"timeout": WAIT, **options}
    sent = iter(request) if isinstance(request, list) else request
    name = method if method.startswith("/") else f"/{SERVICE}/{method}"
    if kind == "threads":
        with grpc.insecure_channel(f"localhost:{port}", **channel_options) as channel:
            answered = getattr(channel, shape)(name, **serializers)(sent, **options)
            return list(answered) if shape.endswith("stream") else answered

    async def main() -> Any:
        async with aio.insecure_channel(f"localhost:{port}", **channel_options) as channel:
            call = getattr(channel, shape)(name, **serializers)(sent, **options)
            return [message async for message in call] if shape.endswith("stream") else await call

    return asyncio.run(main())
