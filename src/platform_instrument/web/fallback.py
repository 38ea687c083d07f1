"""Applications that no known server serves (uWSGI, mod_wsgi, a serverless adapter): observed by their framework's `__call__`.

As soon as a known server has put its adapter around an application, these patches are taken back: a request is observed
once, and pays for one adapter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.runtime import leaving
from platform_instrument.runtime.beginning import serving
from platform_instrument.web.asgi import note_peer
from platform_instrument.web.exchange import KEY
from platform_instrument.web.front import Front

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes

_RESOLVING = frozenset(("ProxyHeadersMiddleware", "ProxyFixMiddleware"))
"""What uvicorn and hypercorn have to put around an application, for the client's address behind proxies that are trusted."""

_with_traceback = BaseException.with_traceback


class _Claims:
    """Whether a known server has claimed an application, and what is to be taken back then."""

    served = False
    patched: list[tuple[Any, Any, Any]]


_Claims.patched = []
leaving.LET_GO.append(_Claims.patched.clear)


def serve_asgi(application: Any) -> Any:  # noqa: ANN401 - an ASGI application
    """Return an application under observation, for a known server; what resolves the client's address stays outside."""
    retire()
    serving()
    if type(application).__name__ in _RESOLVING:
        application.app = Front.asgi(application.app)
        return note_peer(application)
    return Front.asgi(application)


def serve_wsgi(application: Any) -> Any:  # noqa: ANN401 - a WSGI application
    """Return an application under observation, for a known server."""
    retire()
    serving()
    return Front.wsgi(application)


def retire() -> None:
    """Take the fallbacks back, and put none in place from now on."""
    _Claims.served = True
    while _Claims.patched:
        owner, original, ours = _Claims.patched.pop()
        if vars(owner).get("__call__") is ours:
            owner.__call__ = original


def claim_asgi(changes: Changes, kind: Any) -> None:  # noqa: ANN401 - the framework's class
    """Observe the applications of a class by their own `__call__`."""
    _claim(changes, kind, _asgi)


def claim_wsgi(changes: Changes, kind: Any) -> None:  # noqa: ANN401 - the framework's class
    """Observe the applications of a class by their own `__call__`."""
    _claim(changes, kind, _wsgi)


def _claim(changes: Changes, kind: Any, wrap: Callable[[Any], Any]) -> None:  # noqa: ANN401 - the framework's class
    if _Claims.served or "__call__" not in vars(kind):
        return
    original = vars(kind)["__call__"]
    ours = dressed(wrap(original), original)
    changes.replace(kind, "__call__", ours)
    _Claims.patched.append((kind, original, ours))


@unseen
def _asgi(call: Callable[..., Any]) -> Callable[..., Any]:
    async def called(self: Any, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - the application's
        try:
            if KEY in scope:
                await call(self, scope, receive, send)
            else:
                await Front.asgi(call.__get__(self))(scope, receive, send)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise

    return called


@unseen
def _wsgi(call: Callable[..., Any]) -> Callable[..., Any]:
    def called(self: Any, environ: Any, start_response: Any) -> Any:  # noqa: ANN401 - the application's
        try:
            if KEY in environ:
                return call(self, environ, start_response)
            return Front.wsgi(call.__get__(self))(environ, start_response)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise

    return called
