"""What the HTTP client libraries share: excluded URLs, captured headers, who answered. One `Outbound` a library.

The span of an attempt ends when the headers of its answer are read: the body may be read late, in parts or never.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from platform_instrument.config.patterns import found_in
from platform_instrument.core.values import UNSEEN
from platform_instrument.semantics.headers import REQUEST, RESPONSE, capture
from platform_instrument.semantics.http import DEFAULT_PORTS, client_operation, client_request, client_response
from platform_instrument.telemetry import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.config.patterns import Question
    from platform_instrument.config.schema import Settings
    from platform_instrument.core.values import Operation
    from platform_instrument.semantics.headers import Captured, Pairs

_MOST_PLACES = 1_024
_PEER = "_platform_instrument_peer"

SOCKET_VERSIONS = {10: "1.0", 11: "1.1", 20: "2"}
"""`network.protocol.version` by the numbers of `http.client`, which urllib3 goes on with."""

_places: dict[tuple[str, str], tuple[str, int]] = {}


class Outbound:
    """The requests of one library, by the name that its settings have."""

    __slots__ = ("_excluded", "_library", "_request", "_response", "_settings")

    def __init__(self, library: str) -> None:
        self._library = library
        self._settings: Settings | None = None
        self._excluded: Question | None = None
        self._request: Captured | None = None
        self._response: Captured | None = None

    def request(  # noqa: PLR0913 - what a request is
        self,
        method: str,
        address: str,
        port: int,
        url: str,
        headers: Any,  # noqa: ANN401 - a mapping of the library's own
        resent: int,
    ) -> tuple[Operation, Any]:
        """Return the operation and the attributes of one attempt; one to an excluded URL is counted and leaves no span."""
        current = pipeline.PIPELINE
        if current is not None and current.settings is not self._settings:
            self._prepare(current.settings)
        operation = client_operation(method, address, port)
        if self._excluded is not None and self._excluded(url) is not None:
            return operation, UNSEEN
        attributes = client_request(method, url, resent)
        if self._request is not None and headers:
            attributes.update(self._request(_pairs(headers)))
        return operation, attributes

    def response(self, status: int, version: str, peer: tuple[str, int] | None, headers: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the attributes of an answer."""
        attributes = client_response(status, version, peer)
        if self._response is not None and headers:
            attributes.update(self._response(_pairs(headers)))
        return attributes

    def _prepare(self, settings: Settings) -> None:
        patterns = settings.excluded_urls_by_library.get(self._library, settings.python_excluded_urls)
        sanitized = settings.instrumentation_http_capture_headers_sanitize_fields
        self._excluded = found_in(patterns)
        self._request = capture(REQUEST, settings.instrumentation_http_capture_headers_client_request, sanitized)
        self._response = capture(RESPONSE, settings.instrumentation_http_capture_headers_client_response, sanitized)
        self._settings = settings


def _pairs(headers: Any) -> Pairs:  # noqa: ANN401 - a mapping of the library's own
    """Return the headers one by one; httpx's mapping joins those that are repeated."""
    pairs: Pairs = getattr(headers, "multi_items", headers.items)()
    return pairs


def place_of(url: str) -> tuple[str, int]:
    """Return host and port of a URL."""
    scheme, _, rest = url.partition("://")
    netloc = rest.partition("/")[0]
    key = (scheme, netloc)
    place = _places.get(key)
    if place is None:
        parts = urlsplit(url)
        place = (parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 80))
        if len(_places) >= _MOST_PLACES:
            _places.clear()
        _places[key] = place
    return place


def peer_of(connection: Any, ask: Callable[[Any], Any]) -> tuple[str, int] | None:  # noqa: ANN401 - a library's own
    """Return address and port of who is at the other end of a connection, None where it is gone or cannot tell."""
    if connection is None:
        return None
    try:
        name = ask(connection)
    except OSError:
        return None
    if isinstance(name, str):
        return name, 0
    return (name[0], name[1]) if isinstance(name, tuple) else None


def peer_of_socket(socket: Any) -> tuple[str, int] | None:  # noqa: ANN401 - a socket, of TLS or not
    """Return who is at the other end of a socket."""
    return peer_of(socket, _peer_name)


def _peer_name(socket: Any) -> Any:  # noqa: ANN401 - as above
    return socket.getpeername()


def remembered_peer_of(connection: Any, ask: Callable[[Any], Any]) -> tuple[str, int] | None:  # noqa: ANN401 - as above
    """Return the same, asked once a connection, which remembers the answer: for connections that answer slowly."""
    known: tuple[str, int] | None = getattr(connection, _PEER, None)
    if known is None:
        known = peer_of(connection, ask)
        if known is not None and hasattr(connection, "__dict__"):
            setattr(connection, _PEER, known)
    return known
