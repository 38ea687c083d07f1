"""A WSGI framework behind the standard library's server: wsgi (none), flask, django, falcon, pyramid."""

from __future__ import annotations

import os
from typing import Any

from steps import NAMED, UPSTREAM, visit, wsgi


class RefusedError(Exception):
    """What handlers raise."""


def by_wsgi() -> Any:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        if path == "/fail":
            raise RefusedError
        start_response(
            {"/refuse": "503 Unavailable"}.get(path, "200 OK"), [("Content-Type", "text/plain"), ("Content-Length", "2")]
        )
        return [b"ok"]

    if UPSTREAM:
        from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

        return OpenTelemetryMiddleware(application)
    return application


def by_flask() -> Any:
    import flask

    app = flask.Flask("shop")

    @app.route("/items/<int:number>", methods=["GET", "POST"])
    def items(number: int) -> str:
        return str(number)

    @app.route("/fail")
    def fail() -> str:
        raise RefusedError

    @app.route("/refuse")
    def refuse() -> tuple[str, int]:
        return "no", 503

    return app


def by_django() -> Any:
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_site"
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def by_falcon() -> Any:
    import falcon

    class Items:
        def on_get(self, _request: Any, response: Any, number: str) -> None:
            response.text = number

        on_post = on_get

    class Fail:
        def on_get(self, _request: Any, _response: Any) -> None:
            raise RefusedError

    class Refuse:
        def on_get(self, _request: Any, _response: Any) -> None:
            raise falcon.HTTPServiceUnavailable

    app = falcon.App()
    app.add_route("/items/{number}", Items())
    app.add_route("/fail", Fail())
    app.add_route("/refuse", Refuse())
    return app


def by_pyramid() -> Any:
    from pyramid.config import Configurator
    from pyramid.response import Response

    def items(request: Any) -> Any:
        return Response(request.matchdict["number"])

    def fail(_request: Any) -> Any:
        raise RefusedError

    def refuse(_request: Any) -> Any:
        return Response("no", status=503)

    with Configurator() as config:
        for name, path, view in (("items", "/items/{number}", items), ("fail", "/fail", fail), ("refuse", "/refuse", refuse)):
            config.add_route(name, path)
            config.add_view(view, route_name=name)
        return config.make_wsgi_app()


with wsgi({"wsgi": by_wsgi, "flask": by_flask, "django": by_django, "falcon": by_falcon, "pyramid": by_pyramid}[NAMED]()) as port:
    visit(port)
