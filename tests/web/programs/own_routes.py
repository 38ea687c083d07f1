"""Applications with routes of their own at paths of probes, written out and by patterns that take any path."""

from typing import Any

import django
from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from fastapi import APIRouter, FastAPI
from flask import Flask
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
