"""Applications called by something that no instrumentation knows: a minimal gateway, in this process."""

import asyncio
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")


def call_asgi(app: Any, path: str) -> None:
    sent: list[Any] = []
    received = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        return received.pop() if received else await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"shop.example")],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 80),
    }
    asyncio.run(app(scope, receive, send))
    sys.stdout.write(f"{path} {sent[0]['status']}\n")


def call_wsgi(app: Any, path: str) -> None:
    from wsgiref.util import setup_testing_defaults

    environ: dict[str, Any] = {"PATH_INFO": path, "HTTP_HOST": "shop.example", "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "5000"}
    setup_testing_defaults(environ)
    answered: list[str] = []
    body = app(environ, lambda status, _headers, _error=None: answered.append(status))
    b"".join(body)
    if hasattr(body, "close"):
        body.close()
    sys.stdout.write(f"{path} {answered[0]}\n")


def fastapi() -> None:
    from asgi_apps import app

    for path in ("/items/3", "/v1/orders/1/lines/2", "/inner/things/x", "/legacy/pages/3"):
        call_asgi(app, path)


def fastapi_with_api() -> None:
    from with_api import app

    call_asgi(app, "/items/3")


def starlette() -> None:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    call_asgi(Starlette(routes=[Route("/{name}", lambda _request: PlainTextResponse("here"))]), "/here")


def flask() -> None:
    from wsgi_apps import app

    call_wsgi(app, "/items/3")
    call_wsgi(app, "/fails")


def django_wsgi() -> None:
    from django_app import wsgi

    call_wsgi(wsgi, "/items/3/")


def django_asgi() -> None:
    from django_app import asgi

    call_asgi(asgi, "/items/3/")


def litestar() -> None:
    from litestar_app import app

    call_asgi(app, "/items/3")


def quart() -> None:
    from quart_app import app

    call_asgi(app, "/items/3")


def falcon_wsgi() -> None:
    from falcon_apps import wsgi

    call_wsgi(wsgi, "/items/3")


def falcon_asgi() -> None:
    from falcon_apps import asgi

    call_asgi(asgi, "/items/3")


def bottle() -> None:
    from bottle_app import app

    call_wsgi(app, "/items/3")
    call_wsgi(app, "/fails")


def bridged() -> None:
    """A WSGI application as the outermost ASGI application, by way of a library."""
    from a2wsgi import WSGIMiddleware
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from wsgi_apps import app

    call_asgi(Starlette(routes=[Mount("/old", WSGIMiddleware(app))]), "/old/items/3")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
