"""A real HTTP/2 server with TLS on a loopback port: hypercorn, in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from typing import TYPE_CHECKING, Any

import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.processes import accepts, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


class Http2Server:
    """Where it is, what trusts it, and what it was sent."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.port = port
        self.url = f"https://localhost:{port}"
        self.context = context
        self.received: list[dict[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as an ASGI application."""
        if scope["type"] == "lifespan":
            return
        self.received.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@contextlib.contextmanager
def serving_http2() -> Iterator[Http2Server]:
    """Serve in a thread."""
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    running = Http2Server(free_port(), context)
    config = Config()
    config.bind = [f"localhost:{running.port}"]
    config.errorlog = config.accesslog = None
    stop = threading.Event()
    with contextlib.ExitStack() as files:
        certificate = authority.issue_cert("localhost")
        config.certfile = files.enter_context(certificate.cert_chain_pems[0].tempfile())
        config.keyfile = files.enter_context(certificate.private_key_pem.tempfile())

        async def until_stopped() -> None:
            await asyncio.to_thread(stop.wait)

        def run() -> None:
            asyncio.run(serve(running, config, shutdown_trigger=until_stopped))  # type: ignore[arg-type] # typed narrowly

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while not accepts(running.port):
            stop.wait(0.01)
        try:
            yield running
        finally:
            stop.set()
            thread.join(10)
