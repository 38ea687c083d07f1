"""A Pyramid application: routes with and without a leading slash, below a prefix, and an exception that nobody takes."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPServiceUnavailable
from pyramid.response import Response


def answer(request: Any) -> Response:
    return Response(str(request.matchdict))


def fails(_request: Any) -> None:
    message = "nobody handles this"
    raise ValueError(message)


def refused(_request: Any) -> None:
    raise HTTPServiceUnavailable


def orders(config: Configurator) -> None:
    config.add_route("lines", "/{order}/lines/{line}")
    config.add_view(answer, route_name="lines")


with Configurator() as config:
    for name, pattern, view in (
        ("plain", "/plain", answer),
        ("items", r"items/{item:\d+}", answer),
        ("fails", "/fails", fails),
        ("refused", "/refused", refused),
    ):
        config.add_route(name, pattern)
        config.add_view(view, route_name=name)
    config.include(orders, route_prefix="/orders")
    app = config.make_wsgi_app()
