"""Whether an application has a route of its own at a path, by the tables of real frameworks."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from platform_instrument.web.routes import has_route
from tests.web.serving import PROGRAMS


@pytest.fixture(scope="module")
def applications() -> Any:
    sys.path.insert(0, str(PROGRAMS))
    try:
        import own_routes
    finally:
        sys.path.remove(str(PROGRAMS))
    return own_routes


@pytest.mark.parametrize(
    ("application", "path", "expected"),
    [
        ("flask", "/readyz", True),
        ("flask", "/livez", False),
        ("flask", "/anything", False),
        ("flask_fixed", "/readyz", True),
        ("flask_fixed", "/livez", False),
        ("fastapi", "/readyz", True),
        ("fastapi", "/docs", True),
        ("fastapi", "/v1/health/ready", True),
        ("fastapi", "/health/ready", False),
        ("fastapi", "/livez", False),
        ("starlette", "/readyz", True),
        ("starlette", "/readyz/", False),
        ("starlette", "/inner/deep/ready", True),
        ("starlette", "/inner/deep/post", False),
        ("starlette", "/inner/deep/none", False),
        ("starlette", "/wsgi/readyz", True),
        ("starlette", "/wsgi/livez", False),
        ("starlette", "/livez", False),
        ("django_wsgi", "/readyz", True),
        ("django_wsgi", "/regular.expression", True),
        ("django_wsgi", "/api/v1/ready", True),
        ("django_wsgi", "/api/v2/ready", False),
        ("django_wsgi", "/livez", False),
        ("django_asgi", "/readyz", True),
        ("quart", "/readyz", True),
        ("quart", "/livez", False),
        ("litestar", "/readyz", True),
        ("litestar", "/livez", False),
        ("litestar", "/startupz", False),
        ("bottle", "/readyz", True),
        ("bottle", "/livez", False),
        ("bottle", "/startupz", False),
        ("falcon_wsgi", "/readyz", True),
        ("falcon_wsgi", "/livez", False),
        ("falcon_wsgi", "/startupz", False),
        ("falcon_asgi", "/readyz", True),
        ("falcon_asgi", "/livez", False),
        ("django_asgi", "/livez", False),
    ],
)
def test_a_route_that_is_written_out_is_found(application: str, path: str, expected: bool, applications: Any) -> None:  # noqa: FBT001
    assert has_route(getattr(applications, application), path) is expected


def test_it_is_found_behind_what_stands_in_front(applications: Any) -> None:
    class Middleware:
        def __init__(self, app: Any) -> None:
            self.app = app

    for application in (applications.fastapi.__call__, Middleware(Middleware(applications.fastapi))):
        assert has_route(application, "/readyz")
        assert not has_route(application, "/livez")


def test_of_an_application_without_a_framework_nothing_is_known() -> None:
    class Circle:
        app: Any

    circle = Circle()
    circle.app = circle
    assert not has_route(circle, "/livez")
    assert not has_route(lambda _environ, _start: [], "/livez")
    assert not has_route(None, "/livez")
