"""What a request says of itself that the settings want to be known of it: its id, and headers and baggage that are attributes.

Nothing of this is around an application unless one of the settings asks for it. The id is put where the application reads
the caller's, as a proxy in front of it would, so that it agrees with what the application does with it itself; its answer
carries the id unless the application has put one there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.telemetry.facts import REQUEST_ID, Facts, attribute_of, facts_of, note
from platform_instrument.telemetry.request_ids import new_request_id, well_formed
from platform_instrument.web.exchange import KEY, Exchange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from platform_instrument.config.schema import Settings

    Open = Callable[[Any], Exchange | None]

_PLACE = "facts of a request"
_with_traceback = BaseException.with_traceback


class Known:
    """What is wanted of each request, by the settings."""

    def __init__(self, settings: Settings) -> None:
        headers = [attribute_of(item) for item in settings.span_attributes_from_headers]
        self.baggage = tuple([attribute_of(item) for item in settings.span_attributes_from_baggage])
        self.header = settings.request_id_header if settings.request_id else ""
        self._trusts = settings.trust_inbound
        self._raw = self.header.lower().encode()
        self._variable = _variable(self.header)
        self._asgi = {name.encode(): attribute for name, attribute in headers}
        self._wsgi = tuple([(_variable(name), attribute) for name, attribute in headers])
        self._wanted = frozenset((*self._asgi, self._raw)) if self.header else frozenset(self._asgi)

    def around_asgi(self, open_: Open, application: Any) -> tuple[Open, Any]:  # noqa: ANN401 - an ASGI application
        """Return how an exchange is opened and which application is called, where this is to be known."""
        return _noting(open_, self.of_scope), identified_asgi(application, self.header) if self.header else application

    def around_wsgi(self, open_: Open, application: Any) -> tuple[Open, Any]:  # noqa: ANN401 - a WSGI application
        """Return the same for WSGI."""
        return _noting(open_, self.of_environ), identified_wsgi(application, self.header) if self.header else application

    def of_scope(self, exchange: Exchange, scope: Any) -> None:  # noqa: ANN401 - an ASGI scope
        """Note what a scope says of its request."""
        facts = facts_of(exchange.span)
        if facts is None:
            return
        wanted = self._wanted
        found: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in wanted:
                found[name] = found[name] + b"," + value if name in found else value
        if self.header:
            given = found.pop(self._raw, None)
            made = self._identify(exchange, facts, None if given is None else given.decode("latin-1"))
            if made:
                raw, pairs = self._raw, scope["headers"]
                kept = pairs if given is None else [pair for pair in pairs if pair[0] != raw]
                scope["headers"] = [*kept, (raw, made.encode())]
        for name, value in found.items():
            note(facts, self._asgi[name], _text(value.decode("latin-1")))
        self._of_baggage(exchange, facts)

    def of_environ(self, exchange: Exchange, environ: Any) -> None:  # noqa: ANN401 - a WSGI environ
        """Note what an environ says of its request."""
        facts = facts_of(exchange.span)
        if facts is None:
            return
        if self.header:
            made = self._identify(exchange, facts, environ.get(self._variable))
            if made:
                environ[self._variable] = made
        for variable, attribute in self._wsgi:
            if variable in environ:
                note(facts, attribute, _text(environ[variable]))
        self._of_baggage(exchange, facts)

    def _identify(self, exchange: Exchange, facts: Facts, given: str | None) -> str:
        """Give a request its id; return it where it is not the caller's."""
        made = "" if given is not None and self._trusts and well_formed(given) else new_request_id(exchange.span.start_ns)
        facts.request_id = made or given or ""
        facts.version += 1
        span = exchange.span
        if span.recording and span.own_attributes is not None:
            span.own_attributes[REQUEST_ID] = facts.request_id
        return made

    def _of_baggage(self, exchange: Exchange, facts: Facts) -> None:
        local = exchange.span.local
        carried = local.baggage if local is not None else None
        if carried:
            for key, attribute in self.baggage:
                if key in carried:
                    note(facts, attribute, carried[key])


def _noting(open_: Open, note_of: Callable[[Exchange, Any], None]) -> Open:
    def opened(carrier: Any) -> Exchange | None:  # noqa: ANN401 - a scope or an environ
        exchange = open_(carrier)
        if exchange is not None:
            guard(_PLACE, note_of, exchange, carrier)
        return exchange

    return opened


@unseen
def identified_asgi(application: Callable[..., Awaitable[None]], header: str) -> Callable[..., Awaitable[None]]:
    """Return the application, whose answers carry the ids of their requests."""
    raw = header.lower().encode()

    def identified(scope: Any, receive: Any, send: Any) -> Awaitable[None]:  # noqa: ANN401 - the server's
        exchange = scope.get(KEY)
        if exchange is None:
            return application(scope, receive, send)

        def sending(message: Any) -> Any:  # noqa: ANN401 - as above
            if message["type"] == "http.response.start":
                message = guard(_PLACE, _answer, message, raw, exchange) or message
            return send(message)

        return application(scope, receive, sending)

    return identified


@unseen
def identified_wsgi(application: Callable[..., Iterable[bytes]], header: str) -> Callable[..., Iterable[bytes]]:
    """Return the application, whose answers carry the ids of their requests."""
    lower = header.lower()

    def identified(environ: Any, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - the server's
        exchange = environ.get(KEY)

        def starting(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as above
            if len(arguments) > 1:
                headers = guard(_PLACE, _headers, arguments[1], header, lower, exchange)
                if headers is not None:
                    arguments = (arguments[0], headers, *arguments[2:])
            return start_response(*arguments, **options)

        try:
            return application(environ, start_response if exchange is None else starting)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise

    return identified


def _answer(message: Any, raw: bytes, exchange: Exchange) -> Any:  # noqa: ANN401 - an ASGI message
    """Return the message with the id in its headers."""
    headers = message.get("headers") or ()
    if not isinstance(headers, (list, tuple)):
        headers = list(headers)  # any iterable is allowed, such as one that can be read once
    for name, _ in headers:
        if name == raw or name.lower() == raw:
            return {**message, "headers": headers}
    facts = facts_of(exchange.span)
    return message if facts is None else {**message, "headers": [*headers, (raw, facts.request_id.encode())]}


def _headers(given: Any, header: str, lower: str, exchange: Exchange) -> list[tuple[str, str]] | None:  # noqa: ANN401
    """Return the headers of an answer with the id among them, None where they have one."""
    for name, _ in given:
        if name.lower() == lower:
            return None
    facts = facts_of(exchange.span)
    return None if facts is None else [*given, (header, facts.request_id)]


def _text(value: str) -> str:
    """Return a header's value as text: it is UTF-8 where it can be, and Latin-1 where not."""
    if value.isascii():
        return value
    raw = value.encode("latin-1", "replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return value


def _variable(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")
