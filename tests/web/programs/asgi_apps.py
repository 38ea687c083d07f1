"""Applications for ASGI servers: FastAPI with everything that routes, and a WSGI application below it."""

import asyncio
from typing import Any

from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, WebSocket
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware.wsgi import WSGIMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

app = FastAPI()
orders = APIRouter(prefix="/orders")
nested = APIRouter(prefix="/nested")
inner = FastAPI()
legacy = Flask("legacy")


@app.get("/plain")
async def plain() -> str:
    return "plain"


@app.get("/sync")
def sync() -> str:
    return "sync"


@app.get("/items/{item}")
async def item(item: int) -> int:
    return item


@app.get("/files/{path:path}")
async def files(path: str) -> str:
    return path


@app.get("/fails")
async def fails() -> None:
    message = "nobody handles this"
    raise ValueError(message)


@app.get("/refused")
async def refused() -> None:
    raise HTTPException(503, "not now")


@app.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    tasks.add_task(asyncio.sleep, 0.5)
    return "background"


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def parts() -> Any:
        for _ in range(3):
            await asyncio.sleep(0.1)
            yield b"part"

    return StreamingResponse(parts())


@app.get("/endless")
async def endless() -> StreamingResponse:
    async def events() -> Any:
        while True:
            yield b"data: tick\n\n"
            await asyncio.sleep(0.02)

    return StreamingResponse(events(), media_type="text/event-stream")


@app.websocket("/socket")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


@nested.get("/{deep}")
async def deep(deep: str) -> str:
    return deep


@orders.get("/{order}/lines/{line}")
async def line(order: int, line: int) -> int:
    return order + line


@inner.get("/things/{thing}")
async def thing(thing: str) -> str:
    return thing


@legacy.get("/pages/<int:page>")
def page(page: int) -> str:
    return str(page)


async def handed(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.path_params["name"])


orders.include_router(nested)
app.include_router(orders, prefix="/v1")
app.mount("/inner", inner)
app.mount("/tenants/{tenant}", Starlette(routes=[Mount("/deep", routes=[Route("/{name}", handed)])]))
app.mount("/legacy", WSGIMiddleware(legacy))
app.mount("/static", StaticFiles(directory="."))


class Copying:
    """A middleware that hands on a copy of the scope."""

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.inside(dict(scope), receive, send)


copied = Copying(app)
