"""An application that is neither WSGI nor ASGI."""

from aiohttp import web


async def answer(_request: web.Request) -> web.Response:
    return web.Response(text="aiohttp")


app = web.Application()
app.router.add_get("/", answer)
