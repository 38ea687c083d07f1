"""Applications with routes of their own at paths of probes, written out and by patterns that take any path."""

from typing import Any

import django
import falcon
import falcon.asgi
from a2wsgi import WSGIMiddleware
from bottle import Bottle
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from fastapi import APIRouter, FastAPI
from flask import Flask
from litestar import Litestar
from litestar import get as litestar_get
from litestar import post as litestar_post_handler
from quart import Quart
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

OWN = "the application's own"

flask = Flask(__name__)


@flask.get("/readyz")
@flask.get("/", defaults={"path": ""})
@flask.get("/<path:path>")
def flask_own(**_path: str) -> str:
    return OWN


@flask.post("/livez")
def flask_post() -> str:
    return OWN


flask_fixed = ProxyFix(DispatcherMiddleware(flask, {"/other": Flask("other")}))

fastapi = FastAPI()
included = APIRouter(prefix="/health")


@included.get("/ready")
async def fastapi_included() -> str:
    return OWN


@fastapi.get("/readyz")
async def fastapi_own() -> str:
    return OWN


fastapi.include_router(included, prefix="/v1")


@fastapi.get("/{path:path}")
async def fastapi_any(path: str) -> str:
    return f"{OWN} {path}"


async def starlette_own(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{OWN} {request.method}")


@litestar_get("/readyz")
async def litestar_own() -> str:
    return OWN


@litestar_post_handler("/livez")
async def litestar_post() -> str:
    return OWN


@litestar_get("/{path:path}")
async def litestar_any() -> str:
    return OWN


class Own:
    def on_get(self, _request: Any, response: Any, **_values: Any) -> None:
        response.text = OWN

    async def on_get_async(self, _request: Any, response: Any, **_values: Any) -> None:
        response.text = OWN


class Posted:
    def on_post(self, _request: Any, response: Any) -> None:
        response.text = OWN

    async def on_post_async(self, _request: Any, response: Any) -> None:
        response.text = OWN


inner = Starlette(routes=[Route("/ready", starlette_own), Route("/post", starlette_own, methods=["POST"])])
starlette = Starlette(
    routes=[
        Route("/readyz", starlette_own),
        Mount("/inner", routes=[Mount("/deep", inner)]),
        Mount("/tenants/{tenant}", inner),
        Mount("/wsgi", WSGIMiddleware(flask)),
        Mount("/", lambda _scope, _receive, _send: None),
    ]
)


quart = Quart(__name__)
litestar = Litestar([litestar_own, litestar_post, litestar_any], openapi_config=None)
bottle = Bottle()
falcon_wsgi, falcon_asgi = falcon.App(), falcon.asgi.App()
quart.add_url_rule("/readyz", "own", flask_own)
quart.add_url_rule("/<path:path>", "any", flask_own)
bottle.get("/readyz")(flask_own)
bottle.post("/livez")(flask_post)
bottle.route("/<path:path>")(flask_own)
for each in (falcon_wsgi, falcon_asgi):
    each.add_route("/readyz", Own(), suffix="async" if each is falcon_asgi else None)
    each.add_route("/livez", Posted(), suffix="async" if each is falcon_asgi else None)
    each.add_route("/{path}", Own(), suffix="async" if each is falcon_asgi else None)


if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="made up for a test", LOGGING_CONFIG=None)
    django.setup()


def django_own(_request: HttpRequest, **_values: Any) -> HttpResponse:
    return HttpResponse(OWN)


urlpatterns = [
    path("readyz", django_own),
    re_path(r"^regular\.expression$", django_own),
    path("api/", include([path("v1/ready", django_own), path("<slug:any>/ready", django_own)])),
    re_path(r"^.*$", django_own),
]
django_wsgi = get_wsgi_application()
django_asgi = get_asgi_application()
