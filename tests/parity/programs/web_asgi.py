"""An ASGI framework behind uvicorn: asgi (none), starlette, fastapi, django-asgi, falcon-asgi."""

from __future__ import annotations

import os
from typing import Any

from steps import NAMED, UPSTREAM, asgi, visit


class RefusedError(Exception):
    """What handlers raise."""


def by_asgi() -> Any:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for done in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{done}.complete"})
            return
        await receive()
        if scope["path"] == "/fail":
            raise RefusedError
        status = {"/refuse": 503}.get(scope["path"], 200)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    if UPSTREAM:
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

        return OpenTelemetryMiddleware(application)
    return application


def by_starlette() -> Any:
    from starlette import applications, responses, routing

    async def items(request: Any) -> Any:
        return responses.PlainTextResponse(request.path_params["number"])

    async def fail(_request: Any) -> Any:
        raise RefusedError

    async def refuse(_request: Any) -> Any:
        return responses.PlainTextResponse("no", 503)

    routes = [
        routing.Route("/items/{number}", items, methods=["GET", "POST"]),
        routing.Route("/fail", fail),
        routing.Route("/refuse", refuse),
    ]
    return applications.Starlette(routes=routes)


def by_fastapi() -> Any:
    import fastapi

    app = fastapi.FastAPI()

    @app.api_route("/items/{number}", methods=["GET", "POST"])
    async def items(number: int) -> int:
        return number

    @app.get("/fail")
    async def fail() -> None:
        raise RefusedError

    @app.get("/refuse")
    async def refuse() -> None:
        raise fastapi.HTTPException(503)

    return app


def by_django() -> Any:
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_site"
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


def by_falcon() -> Any:
    import falcon
    import falcon.asgi

    class Items:
        async def on_get(self, _request: Any, response: Any, number: str) -> None:
            response.text = number

        on_post = on_get

    class Fail:
        async def on_get(self, _request: Any, _response: Any) -> None:
            raise RefusedError

    class Refuse:
        async def on_get(self, _request: Any, _response: Any) -> None:
            raise falcon.HTTPServiceUnavailable

    app = falcon.asgi.App()
    app.add_route("/items/{number}", Items())
    app.add_route("/fail", Fail())
    app.add_route("/refuse", Refuse())
    return app


APPLICATIONS = {
    "asgi": by_asgi,
    "starlette": by_starlette,
    "fastapi": by_fastapi,
    "django-asgi": by_django,
    "falcon-asgi": by_falcon,
}

with asgi(APPLICATIONS[NAMED]()) as port:
    visit(port)
