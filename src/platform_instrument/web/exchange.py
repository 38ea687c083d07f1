"""One request being served: its span, its route, its bytes, its end. Used by the ASGI and the WSGI adapter alike.

Span: `{method} {http.route}`, SERVER. Metrics: `http.server.request.duration`, `http.server.active_requests`,
`http.server.request.body.size` and `http.server.response.body.size`. What counts as a size, see `docs/http-metrics.md`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server (version 1.37.0).
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.errors import error_type
from platform_instrument.core.families import HTTP_SERVER, SUPPRESSED
from platform_instrument.core.values import SERVER
from platform_instrument.engine.scope import merge
from platform_instrument.privacy.cuts import cut
from platform_instrument.semantics.http import (
    METHODS,
    SERVER_REQUEST_SIZE,
    SERVER_RESPONSE_SIZE,
)
from platform_instrument.telemetry import pipeline, printed, propagation
from platform_instrument.telemetry.context import CURRENT, SERVED, Ambient
from platform_instrument.telemetry.metrics.registry import METRICS, beside
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.span import Link, Span
from platform_instrument.telemetry.tracer import start
from platform_instrument.web.active import OPENINGS, opening_of
from platform_instrument.web.endings import ENDINGS, ending_of
from platform_instrument.web.exclusion import excluded
from platform_instrument.web.sizes import UNKNOWN, declared_length

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token

    from platform_instrument.web.endings import Ending

KEY = "platform_instrument.exchange"
"""Where `scope` and `environ` carry the exchange: the sign that a request is observed already."""

SERVER_ERROR = 500

_SCOPE = own_scope("http")
_LONGEST = 8_192
"""Characters that a client may put into one attribute."""


class Exchange:
    """A request on its way; route and prefix are set by the framework's hook as it finds them."""

    __slots__ = ("_active", "_declared", "_error", "_method", "_scheme", "_token", "_version", "answered_ticks", "closed",
                 "expects", "mounting", "prefix", "received", "root", "route", "sent", "span", "status")  # fmt: skip

    _active: object
    """The token that makes this request count as open, None once it is closed."""
    _declared: int
    """The size of the request's body by `Content-Length`."""
    _error: BaseException | None
    _method: str
    _scheme: str
    _token: Token[Any] | None
    """Restores what was current before, once; it holds the context, and that this."""
    _version: str
    answered_ticks: int
    """When the answer was complete, on the clock of `Span.ticks`, where the exchange waits for what follows it; else 0."""
    closed: bool
    expects: bool
    """Whether the request may have a body."""
    mounting: bool
    """True between a router's word that it chose a mount and the mount's own."""
    prefix: str
    """The template below which the application that routes is mounted."""
    received: int
    """The bytes of the request's body that the application was given, `UNKNOWN` as long as it asked for none."""
    root: str
    """The path below which the server serves the application."""
    route: str
    sent: int
    """The bytes of the answer's body that the application handed over."""
    span: Span
    status: int

    def expect(self, length: str | bytes | None) -> bool:
        """Note that the request may have a body, of which `Content-Length` says this; say whether there is anything to count."""
        self.expects = True
        self.received = UNKNOWN
        self._declared = declared = declared_length(length)
        return declared != 0

    def fail(self, error: BaseException) -> None:
        """Record an exception that the framework is about to answer, or that leaves the application; the same one once.

        The application, or an instrumentor of somebody else's, may have recorded it on its way here.
        """
        if self.closed or self._error is error:
            return
        self._error = error
        from platform_instrument.telemetry.exceptions import recorded  # needs `traceback`

        if not recorded(self.span, error):
            self.span.record_exception(error)

    def _leave_with(self, error: BaseException) -> None:
        """Record an exception that leaves the application."""
        self.fail(error)
        printed.LEFT.set((id(error), self.span))
        if not self.status and isinstance(error, Exception):
            self.status = SERVER_ERROR  # what every server answers then

    def close(self, error: BaseException | None = None) -> None:
        """End the span, once: when the last byte of the body was handed over, or when the application failed."""
        if self.closed:
            return
        span = self.span
        answers = self.status  # what a server answers in place of an application is not seen
        if error is not None:
            self._leave_with(error)
        self.closed = True
        self._active = None
        span.end_ns = span.start_ns + (self.answered_ticks or perf_counter_ns()) - span.ticks
        route = self.root + self.prefix + self.route if self.route or self.prefix else ""
        key = (self._method, self._scheme, self._version, route, self.status)
        ending = ENDINGS.get(key) or ending_of(*key)
        before, span.operation = span.operation, ending.operation
        if before is not None and span.name is before.name:  # else the application gave it a name of its own
            span.name = ending.operation.name
        answered, cell = ending.answered, ending.cell
        if self._error is not None:
            if error is not None or self.status >= SERVER_ERROR:
                answered, cell = {**answered, "error.type": error_type(self._error)}, None
            self._error = None  # its frames hold the request, and that holds this
        merge(span, answered)
        if pipeline.PIPELINE is not None:
            found = pipeline.PIPELINE.settle(span, answered, cell)
            if found is not None:
                if cell is None and answered is ending.answered:
                    ending.count_in(found)
                self._measure(found, ending, answers)

    def _measure(self, cell: Any, ending: Ending, answers: int) -> None:  # noqa: ANN401 - a histogram's cell, of either kind
        """Measure the bodies beside the duration: an answer's always, a request's where it has one."""
        if answers:
            sizes, size = ending.sizes if cell is ending.cell else beside(cell, SERVER_RESPONSE_SIZE), self.sent
            if ending.bodyless:
                size = 0
            try:  # `count` in place
                sizes.seen[size] += 1
            except KeyError:
                sizes.first(size, self.span)
        if self.expects:
            size = self.received
            if size < 0 or (size == 0 and self._declared < 0):  # never asked for, or not there
                size = self._declared
            if size >= 0:
                beside(cell, SERVER_REQUEST_SIZE).count(size, self.span)

    def release(self) -> None:
        """Give the context back to the server as it was, whatever the application has left current."""
        token, self._token = self._token, None
        if token is None:
            return
        try:
            CURRENT.reset(token)
        except ValueError:  # the garbage collector ends the request, in somebody else's context
            return

    def __deepcopy__(self, _memo: dict[int, Any]) -> Exchange:
        """Stay the one exchange in a copy of `scope` or `environ`."""
        return self

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Leave nothing but the sign in a pickled one: another process does not serve this request."""
        return type(None), ()

    def annotate(self, attributes: Mapping[str, Any]) -> None:
        """Put attributes on the span while it lasts."""
        if not self.closed:
            merge(self.span, attributes)


def open_exchange(  # noqa: PLR0913 - what a server knows of a request
    method: str,
    scheme: str,
    version: str,
    host: str,
    attributes: dict[str, Any],
    carried: Mapping[str, str] | None,
) -> Exchange | None:
    """Open the span of a request; None where one is open already, such as below an ASGI to WSGI bridge.

    `attributes` are those that the operation does not have; `carried` holds the headers of `propagation.ACTIVE.fields`,
    in lower case, None where there are none. `host` is what the exclusion rules see beside the path.
    """
    previous = CURRENT.get()
    if type(previous) is Span and previous.families & HTTP_SERVER and not previous.end_ns:
        return None
    opening = OPENINGS.get((method, scheme, version))
    if opening is None:
        opening = opening_of(method, scheme, version)
        if method not in METHODS:
            attributes["http.request.method_original"] = method[:64]
    operation, kind = opening.operation, opening.kind
    parent, link = propagation.ACTIVE.extract(carried.get) if carried else (None, None)
    if excluded(scheme, host, attributes):
        unseen = Ambient(parent.trace_id, parent.span_id, 0) if parent else Ambient()
        span = start(operation.name, SERVER, operation, attributes, _SCOPE, unseen, SUPPRESSED)
        span.flags = 0
        span.recording = False
    else:
        span = start(operation.name, SERVER, operation, attributes, _SCOPE, parent, HTTP_SERVER)
        if link is not None and span.recording:
            span.more().links.append(Link(*link, "", {}))
    exchange = Exchange()
    exchange._token = CURRENT.set(span)  # noqa: SLF001 - set here, since an `__init__` would cost as much again
    exchange.span = span
    exchange.route = exchange.prefix = exchange.root = ""
    exchange.status = exchange.answered_ticks = 0
    exchange.sent = 0
    exchange.closed = exchange.expects = exchange.mounting = False
    exchange._error = None  # noqa: SLF001
    exchange._method = method  # noqa: SLF001
    exchange._scheme = scheme  # noqa: SLF001
    exchange._version = version  # noqa: SLF001
    if opening.framed:
        exchange.expect(None)
    if kind.resets != METRICS.resets:
        kind.renew()
    exchange._active = kind.token  # noqa: SLF001
    return exchange


def served(carrier: Mapping[str, Any]) -> Exchange | None:
    """Return the exchange that a `scope` or `environ` belongs to, through an ASGI to WSGI bridge too.

    Below such a bridge `environ` is not made from our `scope`.
    """
    exchange: Exchange | None = carrier.get(KEY)
    if exchange is None:
        exchange = SERVED.get()
    return exchange if exchange is not None and not exchange.closed else None


def bounded(attributes: dict[str, Any]) -> None:
    """Cut the values that a client may make as long as it likes."""
    for name in ("url.path", "url.query", "user_agent.original", "server.address"):
        value = attributes.get(name)
        if value is not None and len(value) > _LONGEST:
            attributes[name] = cut(value, _LONGEST)
