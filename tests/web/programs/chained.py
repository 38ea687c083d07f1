"""A service that asks the next one, `NEXT`, and says what it was told: ASGI with httpx or aiohttp, WSGI with requests or urllib3."""

import logging
import os
import sys
from typing import Any

from platform_instrument import request_id

logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
log = logging.getLogger("shop")
NAME, NEXT = os.environ["NAME"], os.environ.get("NEXT", "")


async def asgi(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    log.info("%s serves <%s>", NAME, dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1"))
    below = await (by_aiohttp() if scope["path"] == "/other" else by_httpx())
    log.info("%s has served <%s>", NAME, request_id())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{NAME} {below}".encode()})


async def by_httpx() -> str:
    import httpx

    if not NEXT:
        return ""
    async with httpx.AsyncClient() as client:
        response = await client.get(NEXT)
    return f"{response.headers['x-request-id']} {response.text}"


async def by_aiohttp() -> str:
    import aiohttp

    async with aiohttp.ClientSession() as client, client.get(f"{NEXT}/other") as response:
        return f"{response.headers['x-request-id']} {await response.text()}"


def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    log.info("%s serves <%s>", NAME, environ.get("HTTP_X_REQUEST_ID", ""))
    below = by_urllib3() if environ["PATH_INFO"] == "/other" else by_requests()
    log.info("%s has served <%s>", NAME, request_id())
    start_response("200 OK", [])
    return [f"{NAME} {below}".encode()]


def by_requests() -> str:
    import requests

    response = requests.get(NEXT, timeout=10)
    return f"{response.headers['x-request-id']} {response.text}"


def by_urllib3() -> str:
    import urllib3

    response = urllib3.PoolManager().request("GET", NEXT, headers={"Accept": "*/*"})
    return f"{response.headers['x-request-id']} {response.data.decode()}"
