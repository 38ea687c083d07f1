"""A client of HTTP: httpx, httpx-async, requests, urllib3, urllib, aiohttp, tornado; and a server that answers it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from steps import HOST, NAMED, PORT, SILENT, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Answers(BaseHTTPRequestHandler):
    """Answers with the status that the path names, and keeps connections open, as servers do."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = int(self.path.partition("?")[0].rpartition("/")[2])
        self.send_response(status)
        if status == HTTPStatus.FOUND:
            self.send_header("Location", "/items/200")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST = do_BREW = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def answering() -> Iterator[int]:
    """Yield the port of a server that answers."""
    server = ThreadingHTTPServer((HOST, PORT), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield PORT
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def silence() -> Iterator[int]:
    """Yield the port of a server that never answers."""
    with socket.create_server((HOST, SILENT)):
        yield SILENT


def by_httpx(method: str, url: str, body: bytes | None) -> None:
    import httpx

    with httpx.Client(timeout=0.5, follow_redirects=True) as client:
        client.request(method, url, content=body)


async def by_httpx_async(method: str, url: str, body: bytes | None) -> None:
    import httpx

    async with httpx.AsyncClient(timeout=0.5, follow_redirects=True) as client:
        await client.request(method, url, content=body)


def by_requests(method: str, url: str, body: bytes | None) -> None:
    import requests

    requests.request(method, url, data=body, timeout=0.5)


def by_urllib3(method: str, url: str, body: bytes | None) -> None:
    import urllib3

    with urllib3.PoolManager(timeout=0.5, retries=urllib3.Retry(1, connect=0, read=0)) as pool:
        pool.request(method, url, body=body)


def by_urllib(method: str, url: str, body: bytes | None) -> None:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=0.5).close()  # noqa: S310 - of our own


async def by_aiohttp(method: str, url: str, body: bytes | None) -> None:
    import aiohttp

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(0.5)) as session:
        await (await session.request(method, url, data=body)).read()


async def by_tornado(method: str, url: str, body: bytes | None) -> None:
    from tornado.httpclient import AsyncHTTPClient

    client = AsyncHTTPClient(force_instance=True)
    await client.fetch(url, method=method, body=body, request_timeout=0.5, allow_nonstandard_methods=True)
    client.close()


CLIENTS: dict[str, Callable[[str, str, bytes | None], Any]] = {
    "httpx": by_httpx,
    "httpx-async": by_httpx_async,
    "requests": by_requests,
    "urllib3": by_urllib3,
    "urllib": by_urllib,
    "aiohttp": by_aiohttp,
    "tornado": by_tornado,
}


def fetch(url: str, method: str = "GET", body: bytes | None = None) -> None:
    """Send a request by the client that is asked for."""
    sent = CLIENTS[NAMED](method, url, body)
    if sent is not None:
        asyncio.run(sent)


def main() -> None:
    """Send what services send."""
    with answering() as port, silence() as silent:
        there = f"http://{HOST}:{port}"
        with step("get"):
            fetch(f"{there}/items/200?colour=green")
        with step("host name"):
            fetch(f"http://localhost:{port}/items/200")
        with step("post"):
            fetch(f"{there}/items/201", "POST", b"a jug of milk")
        with step("redirect"):
            fetch(f"{there}/302")
        with step("strange"):
            fetch(f"{there}/items/200", "BREW")
        with step("credentials"), contextlib.suppress(OSError):  # urllib takes them for a part of the host
            fetch(f"http://ada:s3cret@{HOST}:{port}/items/200")
        for name in ("404", "500"):
            with step(name), contextlib.suppress(Exception):  # some raise and some return it
                fetch(f"{there}/{name}")
        with step("nobody there", raises=Exception):
            fetch(f"http://{HOST}:1/")
        with step("no answer", raises=Exception):
            fetch(f"http://{HOST}:{silent}/")


main()
