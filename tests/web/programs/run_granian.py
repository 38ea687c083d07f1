"""granian without its command: embedded in a program, and with threads for workers, on an interpreter that has a lock."""

import asyncio
import sys

import bare
from granian.server import MTServer
from granian.server.embed import Server


class Threads(MTServer):
    """That server, which takes itself for one of free-threaded builds alone."""

    def _check_gil(self) -> None:
        pass


if __name__ == "__main__":
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "embedded":
        asyncio.run(Server(bare.asgi, port=port, interface="asgi").serve())
    else:
        Threads(f"bare:{kind}", port=port, interface=kind, workers=2).serve()
