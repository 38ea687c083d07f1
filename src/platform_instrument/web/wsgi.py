"""The WSGI adapter: stands between the server and the application, and observes each request once, its body included.

A list or tuple is complete when the application returns it. Any other body is handed on wrapped, and its span ends with
the server's `close()`; a `wsgi.file_wrapper` keeps its type, because servers send it by `sendfile`.
Source: PEP 3333.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.drive import unseen
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.web.exchange import KEY, Exchange, open_exchange, wanted_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Environ = dict[str, Any]
    StartResponse = Callable[..., Any]
    Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_PLACE = "wsgi request"


@unseen
def observe_wsgi(application: Application) -> Application:
    """Return the application under observation."""

    def observed(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        exchange = guard(_PLACE, _open, environ)
        if exchange is None:
            return application(environ, start_response)

        def observed_start_response(status: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the server's
            guard(_PLACE, _started, exchange, status)
            return start_response(status, *arguments, **options)

        try:
            body = application(environ, observed_start_response)
        except BaseException as error:
            guard(_PLACE, _failed, exchange, error)
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise
        observed_body = guard(_PLACE, _answered, exchange, environ, body)
        return body if observed_body is None else observed_body

    return observed


def _open(environ: Environ) -> Exchange | None:
    if KEY in environ:
        return None
    headers: dict[str, str] = {}
    for name in wanted_headers():
        value = environ.get("HTTP_" + name.upper().replace("-", "_"))
        if value is not None:
            headers[name] = value
    port = environ.get("REMOTE_PORT", "")
    address = environ.get("REMOTE_ADDR")
    exchange = open_exchange(
        environ["REQUEST_METHOD"],
        environ.get("wsgi.url_scheme", "http"),
        environ.get("SERVER_PROTOCOL", "").rpartition("/")[2],
        _path(environ),
        environ.get("QUERY_STRING", ""),
        headers,
        (address, int(port) if str(port).isdecimal() else 0) if address else None,
    )
    environ[KEY] = exchange
    return exchange


def _path(environ: Environ) -> str:
    """Return the path as text: WSGI hands over UTF-8 bytes dressed as Latin-1."""
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    text: str = path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")
    return text or "/"


def _started(exchange: Exchange, status: str) -> None:
    exchange.status = int(status[:3])


def _failed(exchange: Exchange, error: BaseException) -> None:
    exchange.release()
    exchange.close(error)


def _answered(exchange: Exchange, environ: Environ, body: Iterable[bytes]) -> Iterable[bytes] | None:
    """Return the body that the server gets, None where it is the application's own."""
    exchange.release()
    if isinstance(body, (list, tuple)):
        exchange.close()
        return None
    wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(wrapper, type) and isinstance(body, wrapper):
        _close_with(exchange, body)
        return None
    return _SizedBody(body, exchange) if hasattr(body, "__len__") else _Body(body, exchange)


def _close_with(exchange: Exchange, body: Any) -> None:  # noqa: ANN401 - the server's file wrapper
    """End the exchange when the server closes its file wrapper."""
    close = getattr(body, "close", None)

    def closing() -> None:
        if close is not None:
            close()
        guard(_PLACE, exchange.close)

    body.close = closing


class _Body:
    """A body on its way to the server: the request's span is current while the application makes the next part."""

    __slots__ = ("_body", "_exchange", "_iterator")

    def __init__(self, body: Iterable[bytes], exchange: Exchange) -> None:
        self._body = body
        self._iterator: Iterator[bytes] | None = None
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        previous = CURRENT.get()
        CURRENT.set(self._exchange.span)
        try:
            if self._iterator is None:
                self._iterator = iter(self._body)
            return next(self._iterator)
        except StopIteration:
            raise
        except BaseException as error:
            guard(_PLACE, self._exchange.close, error)
            raise
        finally:
            CURRENT.set(previous)

    def close(self) -> None:
        """Close the application's body, once, and end the span."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            guard(_PLACE, self._exchange.close)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the application's
        return getattr(self._body, name)


class _SizedBody(_Body):
    """A body whose length a server may ask for."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]
