"""Websockets of every kind: that echo, that are closed, that fail, that are refused."""

import asyncio

from opentelemetry import trace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket


async def plain(_request: Request) -> JSONResponse:
    return JSONResponse("plain")


async def room(websocket: WebSocket) -> None:
    await websocket.accept()
    async for message in websocket.iter_text():
        with trace.get_tracer("shop").start_as_current_span("own work"):
            await websocket.send_text(message)


async def closes(websocket: WebSocket) -> None:
    await websocket.accept()
    await asyncio.sleep(0.3)
    await websocket.close(4002)
    await asyncio.sleep(1)


async def fails(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_text()
    message = "nobody handles this"
    raise ValueError(message)


async def refuses(websocket: WebSocket) -> None:
    await websocket.close()


async def denies(websocket: WebSocket) -> None:
    await websocket.send_denial_response(PlainTextResponse("no", status_code=418))


app = Starlette(
    routes=[
        Route("/plain", plain),
        WebSocketRoute("/rooms/{room}", room),
        WebSocketRoute("/closes", closes),
        WebSocketRoute("/fails", fails),
        WebSocketRoute("/refuses", refuses),
        WebSocketRoute("/denies", denies),
    ]
)
