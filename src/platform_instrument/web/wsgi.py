"""The WSGI adapter: stands between the server and the application, and observes each request once, its body included.

A list or tuple is complete when the application returns it. Any other body is handed on wrapped, and its span ends with
the server's `close()`; a `wsgi.file_wrapper` keeps its type, because servers send it by `sendfile`. Bodies are counted as
they pass, by `write` too; `wsgi.input` counts where the request has a body.
Source: PEP 3333.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.semantics.http import known_version
from platform_instrument.telemetry import propagation
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.web import captured
from platform_instrument.web.bodies import close_with, observed_body
from platform_instrument.web.counting import CountedInput, counted_write
from platform_instrument.web.exchange import KEY, Exchange, bounded, open_exchange, served
from platform_instrument.web.hosts import server_address
from platform_instrument.web.sizes import size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Environ = dict[str, Any]
    StartResponse = Callable[..., Any]
    Application = Callable[[Environ, StartResponse], Iterable[bytes]]

PEER = "platform_instrument.peer"
"""Where `environ` carries address and port of the connection, once a middleware has put the client's own in their place."""

_PLACE = "wsgi request"
_HEADER = "HTTP_"
_LONG = 2_048
_with_traceback = BaseException.with_traceback


@unseen
def observe_wsgi(application: Application) -> Application:
    """Return the application under observation."""
    begin: Callable[[Any], Exchange | None] = _open
    wanted = captured.known()
    if wanted is not None:
        begin, application = wanted.around_wsgi(_open, application)

    def observed(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        before = CURRENT.get()
        try:
            exchange = guard(_PLACE, begin, environ)
        except BaseException:  # what a signal handler raised
            CURRENT.set(before)
            raise
        if exchange is None:
            try:
                return application(environ, start_response)
            except BaseException as error:
                _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
                raise

        def observed_start_response(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the server's
            guard(_PLACE, _started, exchange, *arguments)
            write = start_response(*arguments, **options)
            return write if write is None else partial(counted_write, exchange, write)

        try:
            body = application(environ, observed_start_response)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(_PLACE, _failed, exchange, error)
            raise
        try:
            handed_on = guard(_PLACE, _answered, exchange, environ, body)
        except BaseException:
            exchange.release()
            raise
        return body if handed_on is None else handed_on

    return observed


@unseen
def note_peer(application: Application) -> Application:
    """Return the application, told in `environ` who is at the other end of the connection."""

    def noting(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ[PEER] = environ.get("REMOTE_ADDR", ""), str(environ.get("REMOTE_PORT", ""))
        try:
            return application(environ, start_response)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise

    return noting


class _Carriers:
    """The headers that carry context, as `environ` calls them, by their names: made once, when the propagators are known."""

    names: tuple[tuple[str, str], ...] | None = None


def _open(environ: Environ) -> Exchange | None:
    """Open the exchange of a request."""
    if KEY in environ:
        return None
    names = _Carriers.names
    if names is None:
        names = _Carriers.names = tuple((_variable(name), name) for name in propagation.ACTIVE.fields)
    carried = {name: environ[variable] for variable, name in names if variable in environ}
    scheme: str = environ.get("wsgi.url_scheme", "http")
    host: str = environ.get("HTTP_HOST", "")
    attributes: dict[str, Any] = {"url.path": _path(environ)}
    query = environ.get("QUERY_STRING")
    if query:
        attributes["url.query"] = query
    attributes["server.address"], attributes["server.port"] = server_address(host or _listener(environ), scheme)
    address = environ.get("REMOTE_ADDR")
    if address:
        attributes["client.address"] = address
        peer, port = environ.get(PEER) or (address, str(environ.get("REMOTE_PORT", "")))
        if port.isdecimal() and int(port):
            attributes["network.peer.address"], attributes["network.peer.port"] = peer, int(port)
    agent = environ.get("HTTP_USER_AGENT")
    if agent:
        attributes["user_agent.original"] = agent
    if len(attributes["url.path"]) > _LONG or query or (agent and len(agent) > _LONG):
        bounded(attributes)
    if captured.Wanted.request is not None or not captured.Wanted.ready:
        attributes.update(captured.of_request(_headers(environ)))
    version = known_version(environ.get("SERVER_PROTOCOL", "").rpartition("/")[2])
    exchange = open_exchange(environ["REQUEST_METHOD"], scheme, version, host, attributes, carried)
    environ[KEY] = exchange
    if exchange is not None and (exchange.expects or environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ):
        _expect(exchange, environ)
    return exchange


def _expect(exchange: Exchange, environ: Environ) -> None:
    """Have the request's body counted."""
    if exchange.expect(environ.get("CONTENT_LENGTH")) and "wsgi.input" in environ:
        environ["wsgi.input"] = CountedInput(environ["wsgi.input"], exchange)


def _variable(header: str) -> str:
    return _HEADER + header.upper().replace("-", "_")


def _headers(environ: Environ) -> Iterator[tuple[str, str]]:
    """Yield the request's headers by their names."""
    for variable, value in environ.items():
        if variable.startswith(_HEADER):
            yield variable[len(_HEADER) :].lower().replace("_", "-"), value
        elif variable in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value:
            yield variable.lower().replace("_", "-"), value


def _listener(environ: Environ) -> str:
    """Return where the server listens, for a client that did not say whom it meant."""
    return f"{environ.get('SERVER_NAME', '')}:{environ.get('SERVER_PORT', '')}"


def _path(environ: Environ) -> str:
    """Return the path as text: WSGI hands over UTF-8 bytes dressed as Latin-1."""
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    text: str = path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")
    return text or "/"


def _started(exchange: Exchange, status: str, headers: Iterable[tuple[str, str]] = (), *_: object) -> None:
    """Note the status."""
    exchange.status = int(status[:3])
    if captured.Wanted.response is not None:
        exchange.annotate(captured.Wanted.response(headers))


def _failed(exchange: Exchange, error: BaseException) -> None:
    """End with the exception that leaves the application."""
    exchange.release()
    exchange.close(error)


def _answered(exchange: Exchange, environ: Environ, body: Iterable[bytes]) -> Iterable[bytes] | None:
    """Return the body that the server gets, None where it is the application's own."""
    exchange.release()
    if isinstance(body, (list, tuple)):
        for part in body:
            exchange.sent += len(part) if type(part) is bytes else size_of(part)
        exchange.close()
        return None
    wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(wrapper, type) and isinstance(body, wrapper):
        close_with(exchange, body)
        return None
    return observed_body(body, exchange)


def note_route(carrier: Mapping[str, Any], route: str) -> None:
    """Note the template by which a framework routes; below a WSGI server, `SCRIPT_NAME` says where it is mounted.

    `carrier` is the `environ` or `scope` of the request. Below an ASGI server the mounts have said so themselves.
    """
    exchange = served(carrier)
    if exchange is not None:
        exchange.route = route
        if carrier.get(KEY) is not None:
            exchange.prefix = carrier.get("SCRIPT_NAME", exchange.prefix)
