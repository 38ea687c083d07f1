"""Probes on the service's own port: answered in front of the application, where that has no route of its own at their paths.

A GET or HEAD of a path is answered by what is known: no span, no metric, nothing of the application runs. Any other request
pays for one look into a dict. Start-up is over when the lifespan says so, or as soon as a server without one is served.
Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html; PEP 3333.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from platform_instrument.core.guard import absorb, guard
from platform_instrument.engine.frames import unseen
from platform_instrument.engine.health import HEALTH
from platform_instrument.engine.probes import CONTENT_TYPE, probes
from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.front import Front
from platform_instrument.web.routes import has_route
from platform_instrument.web.wsgi import observe_wsgi

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from platform_instrument.config.schema import Settings
    from platform_instrument.engine.probes import Answer
    from platform_instrument.web import asgi, wsgi
    from platform_instrument.web.asgi import Message, Receive, Scope, Send
    from platform_instrument.web.wsgi import Environ, StartResponse

    Asgi = asgi.Application
    Wsgi = wsgi.Application

_PLACE = "probe"
_METHODS = ("GET", "HEAD")
_MOST_PARTS = 16
"""Parts of a body that are read of a request that should have none."""
_STATUS = {200: "200 OK", 503: "503 Service Unavailable"}
_with_traceback = BaseException.with_traceback


def install(settings: Settings) -> None:
    """Answer probes in front of every application that is served from now on."""
    probing = Probing(settings)
    Front.asgi, Front.wsgi, Front.loaded = probing.asgi, probing.wsgi, HEALTH.load


class Probing:
    """The probes of a service, and which of their paths are the application's own."""

    def __init__(self, settings: Settings) -> None:
        self._probes = probes(settings) if settings.probes else {}
        self._override = settings.probes_override
        self._taken: WeakKeyDictionary[Any, dict[str, bool]] = WeakKeyDictionary()
        self._starting = False
        """Whether a lifespan has begun that is not complete."""

    @unseen
    def asgi(self, application: Asgi) -> Asgi:
        """Return the application under observation, with the probes in front of it."""
        observed, known = observe_asgi(application), self._probes

        def probed(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            try:
                if scope["type"] == "http":
                    if scope["path"] in known or (scope.get("root_path") and _below_root(scope) in known):
                        answer = self._answer_asgi(application, scope)
                        if answer is not None:
                            return _send(answer, receive, send, body=scope["method"] != "HEAD")
                elif scope["type"] == "lifespan":
                    return self._live(observed, scope, receive, send)
            except BaseException as fault:  # noqa: BLE001 - the guard decides
                absorb(_PLACE, fault)
            return observed(scope, receive, send)

        return probed

    @unseen
    def wsgi(self, application: Wsgi) -> Wsgi:
        """Return the application under observation, with the probes in front of it; it is loaded."""
        HEALTH.load()
        observed, known = observe_wsgi(application), self._probes

        def probed(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            answer = None
            try:
                if environ.get("PATH_INFO") in known:
                    answer = self._answer(
                        application, environ["PATH_INFO"], environ["REQUEST_METHOD"], environ.get("QUERY_STRING")
                    )
            except BaseException as fault:  # noqa: BLE001 - the guard decides
                absorb(_PLACE, fault)
            if answer is not None:
                start_response(_STATUS[answer.status], _headers(answer))
                return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]
            try:
                return observed(environ, start_response)
            except BaseException as error:
                _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
                raise

        return probed

    def _answer_asgi(self, application: Asgi, scope: Scope) -> Answer | None:
        if not self._starting:
            HEALTH.load()  # the server knows no lifespan
        path = scope["path"] if scope["path"] in self._probes else _below_root(scope)
        return self._answer(application, path, scope["method"], scope.get("query_string", b"").decode("latin-1"))

    def _answer(self, application: Any, path: str, method: str, query: str | None) -> Answer | None:  # noqa: ANN401 - of either kind
        """Return the answer to a request of a probe's path, None where it is for the application."""
        if method not in _METHODS or (not self._override and self._is_taken(application, path)):
            return None
        return self._probes[path].answer(query or "")

    def _is_taken(self, application: Any, path: str) -> bool:  # noqa: ANN401 - of either kind
        """Say whether the application has a route there: looked up once, when the first probe comes."""
        application = getattr(application, "__self__", application)
        try:
            taken = self._taken.setdefault(application, {})
        except TypeError:  # it cannot be referred to weakly
            taken = {}
        found = taken.get(path)
        if found is None:
            found = taken[path] = bool(guard(_PLACE, has_route, application, path))
        return found

    @unseen
    async def _live(self, observed: Asgi, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a lifespan; where it ends without a word on its start-up, the application has none, and is loaded."""
        self._starting = True

        def following(message: Message) -> Awaitable[None]:
            guard(_PLACE, self._follow, message)
            return send(message)

        try:
            await observed(scope, receive, following)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        finally:
            if self._starting:
                guard(_PLACE, self._load)

    def _follow(self, message: Message) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self._load()
        elif kind == "lifespan.startup.failed":
            self._starting = False  # and never loaded: the server ends

    def _load(self) -> None:
        self._starting = False
        HEALTH.load()


async def _send(answer: Answer, receive: Receive, send: Send, *, body: bool) -> None:
    """Answer; what the request has for a body is read before: some servers break the connection otherwise."""
    for _ in range(_MOST_PARTS):
        if not (await receive()).get("more_body"):
            break
    headers = [(name.lower().encode(), value.encode()) for name, value in _headers(answer)]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if body else b""})


def _headers(answer: Answer) -> list[tuple[str, str]]:
    return [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(answer.body))), ("Cache-Control", "no-store")]


def _below_root(scope: Scope) -> str:
    """Return a path without that below which the server serves the application, which newer servers put before it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "").rstrip("/"))
