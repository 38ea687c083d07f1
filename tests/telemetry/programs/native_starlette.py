"""A Starlette service that has asked for Starlette's own telemetry, and one request to it."""

import sys
import threading
import time
import urllib.request

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.opentelemetry import OpenTelemetryMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def item(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("item")


app = Starlette(routes=[Route("/items/{id}", item)], middleware=[Middleware(OpenTelemetryMiddleware)])
server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
with urllib.request.urlopen(f"http://127.0.0.1:{port}/items/1") as response:
    sys.stdout.write(f"{response.status}\n")
server.should_exit = True
thread.join()
