"""What HTTP clients report of the size of bodies, against a server that counts the bytes on its sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import io
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from tests.instrumentations.transfers import BODIES, DROPS, LEAVES, REQUEST, WHOLE, TransferPromises, points

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from platform_instrument.testing.recorder import Recorder
    from tests.instrumentations.byte_server import Counted
    from tests.instrumentations.transfers import Transfer


class TestHttpx(TransferPromises):
    modules = ("httpx",)
    sends = frozenset(BODIES) - {"pieces"}

    def exchange(self, url: str, transfer: Transfer, body: Any) -> None:
        with httpx.Client(timeout=5) as client:
            request = client.build_request(transfer.method, url, content=body)
            response = client.send(request, stream=transfer.reads != WHOLE)
            if transfer.reads == WHOLE:
                return
            parts = response.iter_raw()
            next(parts)
            if transfer.reads == LEAVES:
                response.close()
            elif transfer.reads != DROPS:
                with contextlib.closing(response):  # as `client.stream` does, also where the server cuts it off
                    for _ in parts:
                        pass
            del response, parts, request
            gc.collect()


class TestHttpxAsync(TestHttpx):
    def exchange(self, url: str, transfer: Transfer, body: Any) -> None:
        async def main() -> None:
            content = asynchronous(body) if inspect.isgenerator(body) or hasattr(body, "read") else body
            async with httpx.AsyncClient(timeout=5) as client:
                request = client.build_request(transfer.method, url, content=content)
                response = await client.send(request, stream=transfer.reads != WHOLE)
                if transfer.reads == WHOLE:
                    return
                parts = response.aiter_raw()
                await parts.__anext__()
                if transfer.reads == LEAVES:
                    await response.aclose()
                elif transfer.reads != DROPS:
                    async with contextlib.aclosing(response):
                        async for _ in parts:
                            pass
                del response, parts, request
                gc.collect()

        asyncio.run(main())
        gc.collect()


async def asynchronous(parts: Any) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


class TestRequests(TransferPromises):
    modules: tuple[str, ...] = ("requests", "urllib3")

    def exchange(self, url: str, transfer: Transfer, body: Any) -> None:
        with requests.Session() as session:
            stream = transfer.reads != WHOLE
            response = session.request(transfer.method, url, data=body, stream=stream, timeout=5)
            if not stream:
                return
            parts = response.iter_content(100)
            next(parts)
            if transfer.reads == LEAVES:
                response.close()
            elif transfer.reads != DROPS:
                for _ in parts:
                    pass
            del response, parts
            gc.collect()


class TestRequestsAlone(TestRequests):
    modules = ("requests",)


class TestUrllib3(TransferPromises):
    modules = ("urllib3",)

    def exchange(self, url: str, transfer: Transfer, body: Any) -> None:
        with urllib3.PoolManager(retries=False) as pool:
            response = pool.request(transfer.method, url, body=body, preload_content=transfer.reads == WHOLE, timeout=5)
            if transfer.reads == WHOLE:
                return
            parts = response.stream(100)
            next(parts)
            if transfer.reads == LEAVES:
                response.close()
            elif transfer.reads != DROPS:
                for _ in parts:
                    pass
            del response, parts
            gc.collect()


@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")  # aiohttp says so where an answer is dropped
class TestAiohttp(TransferPromises):
    modules = ("aiohttp",)
    sends = frozenset(BODIES) - {"pieces"}

    def exchange(self, url: str, transfer: Transfer, body: Any) -> None:
        async def main() -> None:
            data = (
                asynchronous(body)
                if inspect.isgenerator(body)
                else io.BytesIO(body)
                if isinstance(body, bytes) and len(body) > 10**6
                else body
            )
            async with aiohttp.ClientSession() as session:
                if transfer.reads == DROPS:
                    response = await session.request(transfer.method, url, data=data)
                    await response.content.readany()
                    return
                async with session.request(transfer.method, url, data=data) as response:
                    if transfer.reads == WHOLE:
                        await response.read()
                    elif transfer.reads == LEAVES:
                        await response.content.readany()
                    else:
                        async for _ in response.content.iter_chunked(100):
                            pass

        asyncio.run(main())
        gc.collect()

    def test_a_request_that_is_compressed_as_it_is_sent_counts_compressed(self, recorder: Recorder, server: Counted) -> None:
        async def main() -> None:
            async with aiohttp.ClientSession() as session:
                for data in (b"compressible" * 10_000, asynchronous([b"compressible" * 1_000] * 5)):
                    async with session.post(f"{server.url}/ok", data=data, compress=True) as response:
                        await response.read()

        asyncio.run(main())
        (point,) = points(REQUEST)
        assert (point.count, point.sum) == (2, server.received)
        assert 0 < server.received < 3_000
        assert len(recorder.spans) == 2
