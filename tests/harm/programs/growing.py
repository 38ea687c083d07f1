"""Something that goes on for hours, in short: tells how much its memory grows after a first part, in MiB."""

import asyncio
import contextlib
import json
import os
import sqlite3
import sys


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def tell(grown):
    with open(os.environ["HARM_FIGURES"], "w") as file:
        file.write(json.dumps({"growth, MiB": round(grown, 1)}))
    print(grown < 16)


def growth(step, rounds):
    """Return by how much memory grows after a fifth of the rounds."""
    for number in range(rounds // 5):
        step(number)
    before = resident()
    for number in range(rounds):
        step(number)
    return resident() - before


def statements():
    """Ever new statements."""
    connection = sqlite3.connect(":memory:")
    tell(growth(lambda number: connection.execute(f"SELECT {number} AS c{number % 5000}, 'x{number}'").fetchall(), 20_000))


def connections():
    """Ever new connections, with cursors that are left to the garbage collector."""

    def step(_):
        connection = sqlite3.connect(":memory:")
        connection.cursor().execute("SELECT 1")

    tell(growth(step, 10_000))


def failures():
    """Ever new exceptions, in spans of the application's."""
    from opentelemetry import trace

    tracer = trace.get_tracer("growing")

    def step(number):
        with contextlib.suppress(ValueError), tracer.start_as_current_span(f"span {number}") as span:
            span.set_attribute(f"key {number}", "x" * 100)
            raise ValueError(f"number {number}")

    tell(growth(step, 10_000))


def loggers():
    """Ever new loggers and lines."""
    import logging

    logging.basicConfig(stream=open(os.devnull, "w"))
    tell(growth(lambda number: logging.getLogger(f"logger.{number % 100}").warning("line %d of %s", number, "x" * 50), 20_000))


def loops():
    """Ever new event loops, tasks and threads."""

    async def main():
        await asyncio.gather(*[asyncio.sleep(0) for _ in range(10)], asyncio.to_thread(sum, (1, 2)))

    tell(growth(lambda _: asyncio.run(main()), 300))


def stream():
    """One long answer of server-sent events, read by a client in the same process."""
    import logging
    import threading

    import uvicorn

    logging.disable()

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        number = 0
        while True:
            number += 1
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        threading.Event().wait(0.05)
    import socket

    with socket.create_connection(server.servers[0].sockets[0].getsockname()) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
        tell(growth(lambda _: client.recv(65_536), 3_000))


globals()[sys.argv[1]]()
