"""What an HTTP exchange is called, and which attributes its span and its metrics carry.

Source: https://opentelemetry.io/docs/specs/semconv/http/ (version 1.37.0, stable names only).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import CLIENT, SERVER, UP_DOWN_COUNTER, Instrument, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

METHODS = frozenset(("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"))
OTHER = "_OTHER"
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_BYTES = (0.0, *[float(256 * 4**power) for power in range(10)])
"""Upper bounds for the size of a body, for which the conventions have none: nothing, then from 256 B to 64 MiB by fours."""
_MOST_OPERATIONS = 2_000
_SERVER_ERROR, _CLIENT_ERROR = 500, 400

_OF_SERVER = ("http.request.method", "url.scheme", "http.route", "network.protocol.version")
_BY_SERVER = ("http.response.status_code", "error.type")
_OF_CLIENT = ("http.request.method", "server.address", "server.port")
_BY_CLIENT = ("http.response.status_code", "error.type", "network.protocol.version")

SERVER_DURATION = Instrument(
    "http.server.request.duration",
    "Duration of HTTP server requests.",
    constant=_OF_SERVER,
    varying=_BY_SERVER,
    bounds=_SECONDS,
)
SERVER_REQUEST_SIZE = Instrument(
    "http.server.request.body.size",
    "Size of HTTP server request bodies.",
    unit="By",
    constant=_OF_SERVER,
    varying=_BY_SERVER,
    bounds=_BYTES,
)
SERVER_RESPONSE_SIZE = Instrument(
    "http.server.response.body.size",
    "Size of HTTP server response bodies.",
    unit="By",
    constant=_OF_SERVER,
    varying=_BY_SERVER,
    bounds=_BYTES,
)
ACTIVE_REQUESTS = Instrument(
    "http.server.active_requests",
    "Number of active HTTP server requests.",
    unit="{request}",
    kind=UP_DOWN_COUNTER,
    constant=("http.request.method", "url.scheme"),
)
CLIENT_DURATION = Instrument(
    "http.client.request.duration",
    "Duration of HTTP client requests.",
    constant=_OF_CLIENT,
    varying=_BY_CLIENT,
    bounds=_SECONDS,
)
CLIENT_REQUEST_SIZE = Instrument(
    "http.client.request.body.size",
    "Size of HTTP client request bodies.",
    unit="By",
    constant=_OF_CLIENT,
    varying=_BY_CLIENT,
    bounds=_BYTES,
)
CLIENT_RESPONSE_SIZE = Instrument(
    "http.client.response.body.size",
    "Size of HTTP client response bodies.",
    unit="By",
    constant=_OF_CLIENT,
    varying=_BY_CLIENT,
    bounds=_BYTES,
)

BODYLESS = frozenset((*range(100, 200), 204, 304))
"""Answers without a body, whatever an application hands over, as those to HEAD are. Source: RFC 9110, section 6.4.1."""

_MOST_RESPONSES = 600
_LONGEST_METHOD = 64
_VERSIONS = {"0.9": "0.9", "1.0": "1.0", "1.1": "1.1", "2": "2", "2.0": "2", "3": "3", "3.0": "3"}

_responses: dict[int, dict[str, Any]] = {}
_server: dict[tuple[str, str, str, str], Operation] = {}
_client: dict[tuple[str, str, int], Operation] = {}


def server_operation(method: str, scheme: str, version: str, route: str) -> Operation:
    """Return the operation of a request that is served; `method` as sent, `route` empty while it is not known."""
    known = method if method in METHODS else OTHER
    key = (known, scheme, version, route)
    operation = _server.get(key)
    if operation is not None:
        return operation
    attributes: dict[str, Any] = {"http.request.method": known, "url.scheme": scheme}
    if version:
        attributes["network.protocol.version"] = version
    if route:
        attributes["http.route"] = route
    called = known if known != OTHER else "HTTP"
    operation = Operation(f"{called} {route}" if route else called, SERVER, attributes, SERVER_DURATION)
    return _remember(_server, key, operation)


def client_operation(method: str, address: str, port: int) -> Operation:
    """Return the operation of a request that is sent to a host; `method` as sent."""
    known = method if method in METHODS else OTHER
    key = (known, address, port)
    operation = _client.get(key)
    if operation is not None:
        return operation
    attributes = {"http.request.method": known, "server.address": address, "server.port": port}
    operation = Operation(known if known != OTHER else "HTTP", CLIENT, attributes, CLIENT_DURATION)
    return _remember(_client, key, operation)


def client_request(method: str, url: str, resent: int) -> dict[str, Any]:
    """Return the attributes of one attempt that are not its operation's; `url` is masked where it leaves.

    `resent` is how often this request was sent before: after a redirect, a failure, a demand for credentials.
    """
    attributes: dict[str, Any] = {"url.full": url}
    if method not in METHODS:
        attributes["http.request.method_original"] = method[:_LONGEST_METHOD]
    if resent:
        attributes["http.request.resend_count"] = resent
    return attributes


def client_response(status: int, version: str, peer: tuple[str, int] | None) -> dict[str, Any]:
    """Return the attributes of an answer; 4xx and 5xx are errors to a client. `peer` is who answered, maybe a proxy."""
    attributes: dict[str, Any] = {"http.response.status_code": status}
    if version:
        attributes["network.protocol.version"] = version
    if peer is not None:
        attributes["network.peer.address"], port = peer
        if port:
            attributes["network.peer.port"] = port
    if status >= _CLIENT_ERROR:
        attributes["error.type"] = str(status)
    return attributes


def server_response(status: int) -> Mapping[str, Any]:
    """Return the attributes of an answer given, the same mapping for the same status; only 5xx are errors to a server."""
    found = _responses.get(status)
    if found is None:
        found = {"http.response.status_code": status}
        if status >= _SERVER_ERROR:
            found["error.type"] = str(status)
        if len(_responses) < _MOST_RESPONSES:
            _responses[status] = found
    return found


def known_version(version: str) -> str:
    """Return `network.protocol.version` where it is one that exists, so that a client cannot make up series."""
    return _VERSIONS.get(version, "")


def _remember(cache: dict[Any, Operation], key: Any, operation: Operation) -> Operation:  # noqa: ANN401 - a tuple
    """Keep an operation; a full cache starts anew, its series are found again by their attributes."""
    if len(cache) >= _MOST_OPERATIONS:
        cache.clear()
    cache[key] = operation
    return operation
