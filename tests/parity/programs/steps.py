"""What the programs share: a span around each step, so that what two runs recorded can be laid side by side, and servers to ask.

Nothing here is patched by anybody: requests to servers are written to a socket.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from opentelemetry import propagate, trace

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
PORT, SILENT = int(os.environ["PARITY_PORT"]), int(os.environ["PARITY_SILENT"])
"""The ports of the server that is asked and of one that never answers: known, so that both runs can be compared."""
UPSTREAM = os.environ.get("PARITY_SIDE") == "upstream"
"""Whether upstream's instrumentors are the ones at work."""
NAMED = sys.argv[1] if len(sys.argv) > 1 else ""
"""Which of the libraries that a program knows it is to use."""


@contextlib.contextmanager
def step(name: str, raises: type[BaseException] | tuple[type[BaseException], ...] = ()) -> Iterator[None]:
    """Be the root of a trace of its own; the step must end with one of the exceptions where any are named."""
    tracer = trace.get_tracer("parity")
    with tracer.start_as_current_span(name, context=trace.set_span_in_context(trace.INVALID_SPAN)):
        try:
            yield
        except BaseException as error:
            if not isinstance(error, raises):
                raise
        else:
            assert not raises, f"{name} did not fail"


def ask(port: int, target: str, method: str = "GET", body: bytes = b"") -> bytes:
    """Ask a server within the current trace; return its whole answer."""
    headers = {"Host": f"{HOST}:{port}", "User-Agent": "parity/1", "Tea": "green", "X-Tea-Kind": "green"}
    headers |= {"Connection": "close", "Content-Length": str(len(body))}
    propagate.inject(headers)
    lines = [f"{method} {target} HTTP/1.1", *[f"{name}: {value}" for name, value in headers.items()], "", ""]
    with socket.create_connection((HOST, port), 10) as connection:
        connection.sendall("\r\n".join(lines).encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def visit(port: int) -> None:
    """Ask for what each of the applications has: items, a failure, and nothing at all."""
    for name, target, method, body in (
        ("read", "/items/7?colour=green", "GET", b""),
        ("write", "/items/7", "POST", b"a jug of milk"),
        ("fail", "/fail", "GET", b""),
        ("refuse", "/refuse", "GET", b""),
        ("none", "/nowhere/at/all", "GET", b""),
        ("strange", "/items/7", "BREW", b""),
    ):
        with step(name):
            assert ask(port, target, method, body).startswith(b"HTTP/1.")


@contextlib.contextmanager
def wsgi(app: Any) -> Iterator[int]:
    """Serve a WSGI application by the standard library's server; yield its port."""
    handler = type("Quiet", (WSGIRequestHandler,), {"log_message": lambda *_: None})
    server = make_server(HOST, PORT, app, handler_class=handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield PORT
    server.shutdown()
    thread.join()
    server.server_close()


@contextlib.contextmanager
def asgi(app: Any) -> Iterator[int]:
    """Serve an ASGI application by uvicorn; yield its port."""
    import uvicorn

    listening = socket.create_server((HOST, PORT))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield PORT
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive(), "uvicorn did not end"
