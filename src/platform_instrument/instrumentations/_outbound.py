"""What the HTTP client libraries share: excluded URLs, captured headers, who answered. One `Outbound` a library.

The span of an attempt ends when the headers of its answer are read: the body may be read late, in parts or never.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from platform_instrument.core.values import UNSEEN
from platform_instrument.semantics.http import DEFAULT_PORTS, client_operation, client_request, client_response
from platform_instrument.telemetry import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.config.schema import Settings
    from platform_instrument.core.values import Operation

    Match = Callable[[str], object]

_REDACTED = "[REDACTED]"
_LONGEST_VALUE = 4_096
_MOST_HEADERS = 64
_MOST_PLACES = 1_024
_PEER = "_platform_instrument_peer"

_places: dict[tuple[str, str], tuple[str, int]] = {}


class Outbound:
    """The requests of one library, by the name that its settings have."""

    __slots__ = ("_excluded", "_library", "_request", "_response", "_sanitized", "_settings")

    def __init__(self, library: str) -> None:
        self._library = library
        self._settings: Settings | None = None
        self._excluded: Match | None = None
        self._request: Match | None = None
        self._response: Match | None = None
        self._sanitized: Match | None = None

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
            attributes.update(self._captured("http.request.header.", self._request, headers))
        return operation, attributes

    def response(self, status: int, version: str, peer: tuple[str, int] | None, headers: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the attributes of an answer."""
        attributes = client_response(status, version, peer)
        if self._response is not None and headers:
            attributes.update(self._captured("http.response.header.", self._response, headers))
        return attributes

    def _prepare(self, settings: Settings) -> None:
        patterns = settings.excluded_urls_by_library.get(self._library, settings.python_excluded_urls)
        self._excluded = re.compile("|".join(f"(?:{each})" for each in patterns)).search if patterns else None
        self._request = _names(settings.instrumentation_http_capture_headers_client_request)
        self._response = _names(settings.instrumentation_http_capture_headers_client_response)
        self._sanitized = _names(settings.instrumentation_http_capture_headers_sanitize_fields)
        self._settings = settings

    def _captured(self, prefix: str, wanted: Match, headers: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401
        """Return the wanted headers as attributes, each value of a repeated header by itself."""
        found: dict[str, tuple[str, ...]] = {}
        for raw, content in getattr(headers, "multi_items", headers.items)():
            name = _text(raw).lower()
            if wanted(name) and len(found) < _MOST_HEADERS:
                sanitized = self._sanitized is not None and self._sanitized(name)
                value = _REDACTED if sanitized else _text(content)[:_LONGEST_VALUE]
                found[prefix + name] = (*found.get(prefix + name, ()), value)
        return found


def _names(patterns: tuple[str, ...]) -> Match | None:
    """Return what tells whether one of the patterns is the whole of a header's name, in any case."""
    return re.compile("|".join(f"(?:{each})" for each in patterns), re.IGNORECASE).fullmatch if patterns else None


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


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


def remembered_peer_of(connection: Any, ask: Callable[[Any], Any]) -> tuple[str, int] | None:  # noqa: ANN401 - as above
    """Return the same, asked once a connection, which remembers the answer: for connections that answer slowly."""
    known: tuple[str, int] | None = getattr(connection, _PEER, None)
    if known is None:
        known = peer_of(connection, ask)
        if known is not None and hasattr(connection, "__dict__"):
            setattr(connection, _PEER, known)
    return known
