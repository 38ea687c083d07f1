"""Falcon as a WSGI and as an ASGI application."""

import re
from typing import Any

import falcon
import falcon.asgi


class Plain:
    def on_get(self, _request: Any, response: Any, **values: Any) -> None:
        response.text = str(values)

    async def on_get_async(self, _request: Any, response: Any, **values: Any) -> None:
        response.text = str(values)


class Failing:
    def on_get(self, _request: Any, _response: Any) -> None:
        message = "nobody handles this"
        raise ValueError(message)

    async def on_get_async(self, _request: Any, _response: Any) -> None:
        message = "nobody handles this"
        raise ValueError(message)


class Refusing:
    def on_get(self, _request: Any, _response: Any) -> None:
        raise falcon.HTTPServiceUnavailable

    async def on_get_async(self, _request: Any, _response: Any) -> None:
        raise falcon.HTTPServiceUnavailable


class Missing:
    def on_get(self, _request: Any, _response: Any) -> None:
        raise LookupError

    async def on_get_async(self, _request: Any, _response: Any) -> None:
        raise LookupError


class Room:
    async def on_websocket_async(self, _request: Any, socket: Any, room: str) -> None:
        await socket.accept()
        await socket.send_text(f"{room} {await socket.receive_text()}")
        await socket.close()


def not_there(_request: Any, response: Any, _error: Any, _params: Any) -> None:
    response.status = falcon.HTTP_404


async def not_there_async(_request: Any, response: Any, _error: Any, _params: Any) -> None:
    response.status = falcon.HTTP_404


def sink(_request: Any, response: Any, **values: Any) -> None:
    response.text = str(values)


async def sink_async(_request: Any, response: Any, **values: Any) -> None:
    response.text = str(values)


wsgi = falcon.App()
asgi = falcon.asgi.App()
ROUTES = {
    "/plain": Plain(),
    "/items/{item:int}": Plain(),
    "/v1/orders/{order}/lines/{line}": Plain(),
    "/fails": Failing(),
    "/refused": Refusing(),
    "/missing": Missing(),
}
for path, resource in ROUTES.items():
    wsgi.add_route(path, resource)
    asgi.add_route(path, resource, suffix="async")
asgi.add_route("/rooms/{room}", Room(), suffix="async")
wsgi.add_error_handler(LookupError, not_there)
asgi.add_error_handler(LookupError, not_there_async)
wsgi.add_sink(sink, re.compile("/sunk/(?P<name>.*)"))
asgi.add_sink(sink_async, re.compile("/sunk/(?P<name>.*)"))
