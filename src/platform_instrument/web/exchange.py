"""One request being served: its span, its route, its end. Used by the ASGI and the WSGI adapter alike.

Span: `{method} {http.route}`, SERVER. Metric: `http.server.request.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server (version 1.37.0).
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.errors import error_type
from platform_instrument.core.families import HTTP_SERVER, SUPPRESSED
from platform_instrument.core.values import SERVER
from platform_instrument.engine.scope import merge, settle
from platform_instrument.semantics.http import DEFAULT_PORTS, METHODS, server_operation, server_response
from platform_instrument.telemetry import propagation
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.span import Link, Span
from platform_instrument.telemetry.tracer import start
from platform_instrument.web.exclusion import excluded

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "platform_instrument.exchange"
"""Where `scope` and `environ` carry the exchange: the sign that a request is observed already."""

_SCOPE = own_scope("http")
_MOST_HOSTS = 256
_LONGEST_HOST = 255
_hosts: dict[str, tuple[str, int]] = {}


class Exchange:
    """A request on its way; `route` and `prefix` are set by the framework's hook as it finds them."""

    __slots__ = ("_method", "_previous", "_scheme", "_version", "closed", "prefix", "route", "span", "status")

    def __init__(self, span: Span, previous: Span | Ambient | None, method: str, scheme: str, version: str) -> None:
        self.span = span
        self.route = ""
        self.prefix = ""
        self.status = 0
        self.closed = False
        self._previous = previous
        self._method = method
        self._scheme = scheme
        self._version = version

    def close(self, error: BaseException | None = None) -> None:
        """End the span, once: when the last byte of the body was handed over, or when the application failed."""
        if self.closed:
            return
        self.closed = True
        span = self.span
        span.end_ns = span.start_ns + perf_counter_ns() - span.ticks
        if self.route:
            self._name(span)
        answered: dict[str, Any] = server_response(self.status) if self.status else {}
        if error is not None:
            answered["error.type"] = error_type(error)
            self._record(error)
        merge(span, answered)
        settle(span, answered)

    def release(self) -> None:
        """Give the context back to the server."""
        if CURRENT.get() is self.span:
            CURRENT.set(self._previous)

    def _name(self, span: Span) -> None:
        """Name the span after its route, unless the application gave it a name of its own."""
        before = span.operation
        span.operation = server_operation(self._method, self._scheme, self._version, self.prefix + self.route)
        if before is not None and span.name is before.name:
            span.name = span.operation.name

    def _record(self, error: BaseException) -> None:
        """Record the exception that left the application."""
        span = self.span
        end_ns, span.end_ns = span.end_ns, 0
        span.record_exception(error)
        span.end_ns = end_ns


def open_exchange(  # noqa: PLR0913 - what a server knows of a request
    method: str,
    scheme: str,
    version: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    peer: tuple[str, int] | None,
) -> Exchange | None:
    """Open the span of a request; None where one is open already, such as below an ASGI to WSGI bridge.

    `headers` holds those that `wanted_headers` names, in lower case.
    """
    previous = CURRENT.get()
    if type(previous) is Span and previous.kind_code == SERVER and not previous.end_ns and previous.families & HTTP_SERVER:
        return None
    attributes: dict[str, Any] = {"url.path": path}
    if query:
        attributes["url.query"] = query
    host = headers.get("host")
    if host:
        attributes["server.address"], attributes["server.port"] = _hosts.get(host) or _host(host, scheme)
    if peer:
        attributes["client.address"] = attributes["network.peer.address"] = peer[0]
        attributes["network.peer.port"] = peer[1]
    agent = headers.get("user-agent")
    if agent:
        attributes["user_agent.original"] = agent
    if method not in METHODS:
        attributes["http.request.method_original"] = method[:64]
    operation = server_operation(method, scheme, version, "")
    parent, link = propagation.ACTIVE.extract(headers.get)
    if excluded(path, agent or ""):
        unseen = Ambient(parent.trace_id, parent.span_id, 0) if parent else Ambient()
        span = start(operation.name, SERVER, operation, attributes, _SCOPE, unseen, SUPPRESSED)
        span.flags = 0
        span.recording = False
    else:
        span = start(operation.name, SERVER, operation, attributes, _SCOPE, parent, HTTP_SERVER)
        if link is not None and span.recording:
            span.more().links.append(Link(*link, "", {}))
    CURRENT.set(span)
    return Exchange(span, previous, method, scheme, version)


def _host(host: str, scheme: str) -> tuple[str, int]:
    """Return address and port of a `Host` header."""
    address, _, port = host[:_LONGEST_HOST].rpartition(":")
    if not port.isdecimal() or not address or (":" in address and not address.endswith("]")):
        address, port = host[:_LONGEST_HOST], ""
    found = (address.strip("[]"), int(port[:5]) if port else DEFAULT_PORTS.get(scheme, 80))
    if len(_hosts) >= _MOST_HOSTS:
        _hosts.clear()
    _hosts[host] = found
    return found


def wanted_headers() -> tuple[str, ...]:
    """Return the request headers that `open_exchange` reads, in lower case."""
    return ("host", "user-agent", *propagation.ACTIVE.fields)
