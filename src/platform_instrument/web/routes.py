"""Whether the application has a route of its own at a path: looked up in its framework's table, so that nothing of it runs.

A route that is written out counts; a pattern that would take any path, such as a single-page application's, does not.
Source: starlette/routing.py `BaseRoute.matches`; werkzeug/routing `Map.iter_rules`; django/urls/resolvers.py `URLResolver`;
litestar/routes/base.py `BaseRoute.path`; falcon/routing/compiled.py `CompiledRouter.find`; bottle.py `Bottle.routes`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_FULL = 2
"""`starlette.routing.Match.FULL`."""
_INNER = ("app", "application", "_app", "wsgi_app", "asgi_app", "other_asgi_app", "__wrapped__")
"""Where a middleware has the application that it stands in front of."""
_DEEPEST = 32


def has_route(application: Any, path: str, deepest: int = _DEEPEST) -> bool:  # noqa: ANN401 - any application
    """Say whether a GET of this path has a route, as far as the framework is known; False where it is not."""
    for _ in range(deepest):
        application = getattr(application, "__self__", application)
        kinds = {kind.__module__ for kind in type(application).__mro__}
        if not kinds.isdisjoint({"starlette.applications", "starlette.routing"}):
            return _in_starlette(application.routes, path, deepest - 1)
        table = next((table for kind, table in _TABLES.items() if kind in kinds), None)
        if table is not None:
            return table(application, path)
        if any(kind.startswith("django.core.handlers.") for kind in kinds):
            return _in_django(sys.modules["django.urls"].get_resolver(), path.removeprefix("/"), deepest - 1)
        attributes = getattr(application, "__dict__", {})
        application = next((attributes[name] for name in _INNER if name in attributes), None)
        if application is None:
            break
    return False


def _of_werkzeug(application: Any, path: str) -> bool:  # noqa: ANN401 - flask.Flask or quart.Quart
    return any(rule.rule == path and "GET" in (rule.methods or ()) for rule in application.url_map.iter_rules())


def _of_litestar(application: Any, path: str) -> bool:  # noqa: ANN401 - litestar.Litestar
    return any(route.path == path and "GET" in getattr(route, "methods", ()) for route in application.routes)


def _of_bottle(application: Any, path: str) -> bool:  # noqa: ANN401 - bottle.Bottle
    return any(route.rule == path and route.method in {"GET", "ANY"} for route in application.routes)


def _of_falcon(application: Any, path: str) -> bool:  # noqa: ANN401 - falcon.App or falcon.asgi.App
    """Look a path up; a resource without a GET has a responder in its place that refuses."""
    found = application._router.find(path)  # noqa: SLF001 - there is no other way
    return bool(
        found and found[3] == path and "method_not_allowed" not in getattr(found[1].get("GET"), "__name__", "method_not_allowed")
    )


_TABLES: dict[str, Callable[[Any, str], bool]] = {
    "flask.app": _of_werkzeug,
    "quart.app": _of_werkzeug,
    "litestar.app": _of_litestar,
    "bottle": _of_bottle,
    "falcon.app": _of_falcon,
}
"""Who looks a path up in the table of a framework that has one for the whole application, by the module of its class."""


def _in_starlette(routes: Any, path: str, deepest: int) -> bool:  # noqa: ANN401 - a list of starlette.routing.BaseRoute
    """Ask the routes in their order, as the router does; the first that takes the path decides."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "headers": [],
        "query_string": b"",
        "path_params": {},
    }
    for route in routes:
        match, found = route.matches(dict(scope))
        if match.value == _FULL:
            if "root_path" in found:  # a mount
                return has_route(found.get("endpoint"), path[len(found["root_path"]) :], deepest)
            return not found.get("path_params")
    return False


def _in_django(resolver: Any, path: str, deepest: int) -> bool:  # noqa: ANN401 - django.urls.URLResolver
    for pattern in resolver.url_patterns:
        text = _plain(str(pattern.pattern))
        if hasattr(pattern, "url_patterns"):
            if deepest and path.startswith(text) and _in_django(pattern, path[len(text) :], deepest - 1):
                return True
        elif text == path:
            return True
    return False


def _plain(pattern: str) -> str:
    """Return a path, or a regular expression that stands for one, as it is met."""
    return pattern.removeprefix("^").removesuffix("$").removesuffix(r"\Z").replace("\\", "")
