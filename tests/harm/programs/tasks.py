"""Tasks that are cancelled, timed out, grouped and left unfinished around calls of HTTP clients; prints what each came to.

The server is in the same process and makes no span: it writes bytes. Spans are counted at the collector.
"""

import asyncio
import contextlib
import contextvars
import gc
import logging
import sys
import threading

import aiohttp
import httpx
from opentelemetry import trace

logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")
tracer = trace.get_tracer("tasks")
own = contextvars.ContextVar("own", default=0)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"


async def serve(reader, writer):
    """Answer by the path: at once, never, half of it, or without an end."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
            if path == b"/never":
                await asyncio.sleep(30)
            writer.write(HEAD + b"3\r\none\r\n")
            if path == b"/cut":
                break
            while path == b"/endless":
                writer.write(b"3\r\nand\r\n")
                await writer.drain()
                await asyncio.sleep(0.001)
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    writer.close()


async def outcome(what):
    """Return how an awaitable ends, in a word."""
    try:
        return await what
    except BaseException as error:
        return type(error).__name__


async def by_httpx(url):
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        return (await client.get(url)).text


async def by_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()


async def first_parts(url):
    async with httpx.AsyncClient(trust_env=False) as client, client.stream("GET", url) as answer:
        async for part in answer.aiter_bytes():
            yield part


async def scenarios(base):
    for get in (by_httpx, by_aiohttp):
        print(get.__name__, await outcome(get(f"{base}/well")), await outcome(get(f"{base}/cut")))
        task = asyncio.create_task(outcome(get(f"{base}/never")))
        await asyncio.sleep(0.1)
        task.cancel("enough")
        print("cancelled", await asyncio.gather(task, return_exceptions=True))
        print("timed out", await outcome(asyncio.wait_for(get(f"{base}/never"), 0.05)))
        with tracer.start_as_current_span("parent"):
            print("gathered", sorted(await asyncio.gather(*[outcome(get(f"{base}/well")) for _ in range(20)])))
        first = asyncio.wait(
            [asyncio.create_task(get(f"{base}/{path}")) for path in ("well", "never")], return_when="FIRST_COMPLETED"
        )
        done, pending = await first
        for each in pending:
            each.cancel()
        print("first", [each.result() for each in done], await asyncio.gather(*pending, return_exceptions=True))
        print("shielded", await outcome(asyncio.wait_for(asyncio.shield(asyncio.create_task(get(f"{base}/well"))), 5)))
    if sys.version_info >= (3, 11):
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(by_httpx(f"{base}/never"))
                group.create_task(by_aiohttp(f"{base}/never"))
                await asyncio.sleep(0.05)
                raise KeyError("own")
        except BaseException as error:
            print("group", type(error).__name__, [type(each).__name__ for each in error.exceptions])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await by_aiohttp(f"{base}/never")
    async for part in first_parts(f"{base}/endless"):
        print("left at", part[:3])
        break
    gc.collect()
    await asyncio.sleep(0.05)
    with tracer.start_as_current_span("outer"):
        unfinished = first_parts(f"{base}/endless")
        print(await unfinished.__anext__())
        del unfinished
        gc.collect()
        await asyncio.sleep(0.05)
        own.set(1)
        print(
            "thread",
            await asyncio.to_thread(
                lambda: (own.get(), trace.get_current_span().get_span_context().is_valid, threading.active_count() > 1)
            )
            != (),
        )
        print("executor", await asyncio.get_running_loop().run_in_executor(None, own.get), own.get())
        asyncio.get_running_loop().call_soon(print, "called soon")
        background = asyncio.create_task(by_httpx(f"{base}/well"))
    print("outlives", await background)


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        await scenarios(f"http://{host}:{port}")
    finally:
        server.close()
    print(len(asyncio.all_tasks()) < 60)


asyncio.run(main())
gc.collect()
