"""A Litestar application: nested routers, a middleware that refuses, ASGI applications below it, a websocket."""

from typing import Any

from litestar import Controller, Litestar, Router, WebSocket, asgi, get, websocket
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.middleware import DefineMiddleware
from opentelemetry import trace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


@get("/")
async def root() -> str:
    return "root"


@get("/items/{item:int}")
async def items(item: int) -> int:
    return item


@get("/sync/{name:str}", sync_to_thread=True)
def sync(name: str) -> str:
    return name


@get("/fails")
async def fails() -> None:
    message = "nobody handles this"
    raise ValueError(message)


@get("/refused")
async def refused() -> None:
    raise HTTPException("not now", status_code=503)


@get("/missing")
async def missing() -> None:
    raise LookupError


class Refusing:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, _scope: Any, _receive: Any, _send: Any) -> None:
        raise NotAuthorizedException


@get("/secret/{name:str}", middleware=[DefineMiddleware(Refusing)])
async def secret(name: str) -> str:
    return name


class Lines(Controller):
    path = "/orders/{order:int}"

    @get("/lines/{line:int}")
    async def line(self, order: int, line: int) -> int:
        return order + line


async def inner(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.path_params["thing"])


@asgi("/inner", is_mount=True, copy_scope=False)
async def mounted(scope: Any, receive: Any, send: Any) -> None:
    await Starlette(routes=[Route("/things/{thing}/", inner)])(scope, receive, send)


@websocket("/rooms/{room:str}")
async def room(socket: WebSocket[Any, Any, Any], room: str) -> None:
    await socket.accept()
    with trace.get_tracer("shop").start_as_current_span("own work"):
        await socket.send_text(f"{room} {await socket.receive_text()}")
    await socket.close()


def not_there(_request: Any, _error: LookupError) -> Any:
    from litestar import Response

    return Response("not there", status_code=404)


app = Litestar(
    [root, items, sync, fails, refused, missing, secret, mounted, room, Router("/v1", route_handlers=[Lines])],
    exception_handlers={LookupError: not_there},
    openapi_config=None,
)
