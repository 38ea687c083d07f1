"""Uses whatever is observed, then waits; a fork child of it waits too. `sys.argv` names what is to be imported."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import sys
import threading
import time
import urllib.request
import warnings
from wsgiref.simple_server import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


def application(_environ, start_response):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    start_response("200 OK", [])
    return [b"served"]


def work() -> None:
    sqlite3.connect(":memory:").execute("SELECT 1").fetchall()
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/", timeout=10) as answer:
            answer.read()
        serving.join()
    asyncio.run(asyncio.sleep(0))
    logging.getLogger("shop").warning("said")


warnings.simplefilter("ignore")
logging.disable()
for name in sys.argv[1:]:
    with contextlib.suppress(BaseException):
        __import__(name)
work()
child = os.fork()
if not child:
    work()
time.sleep(0.8)  # longer than a port of ours waits for a process to turn out to be one that stays
sys.stdout.write(f"{os.getpid()}\n")
sys.stdout.flush()
sys.stdin.read()
