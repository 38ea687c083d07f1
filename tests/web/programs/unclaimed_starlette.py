"""A framework's application under a server that nobody observes."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.headers.get("x-request-id", ""))


app = Starlette(routes=[Route("/plain", plain)])
