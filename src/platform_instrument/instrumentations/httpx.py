"""httpx: one CLIENT span an attempt, redirects and retries of `auth` included; sync, async, HTTP/2.

Span: `{method}`, from the request to the headers of the answer. Metric: `http.client.request.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0);
httpx/_client.py `_send_single_request` (0.22 to 0.28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Attributes, Instrumentation, Observe
from platform_instrument.engine.outbound import Outbound, remembered_peer_of
from platform_instrument.semantics.http import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from platform_instrument.core.values import Call

_OUTBOUND = Outbound("httpx")
_VERSIONS = {b"HTTP/1.1": "1.1", b"HTTP/2": "2", b"HTTP/1.0": "1.0", b"HTTP/3": "3"}
_SENT = "platform_instrument.sent"
"""How often a request was sent, in its extensions: those of a redirected request are copied from the one before."""


def attempt(call: Call) -> Any:  # noqa: ANN401 - an operation and its attributes
    """Return what is sent, and where to."""
    request = call.argument(1, "request")
    url, extensions = request.url, request.extensions
    resent = extensions.get(_SENT, 0)
    request.extensions = {**extensions, _SENT: resent + 1}  # they may be the application's own
    port = url.port or DEFAULT_PORTS.get(url.scheme, 80)
    return _OUTBOUND.request(request.method, url.host, port, str(url), request.headers, resent)


def headers(call: Call) -> MutableMapping[str, str]:
    """Return the request's headers."""
    carrier: MutableMapping[str, str] = call.argument(1, "request").headers
    return carrier


def answered(_call: Call, response: Any) -> Attributes:  # noqa: ANN401 - httpx.Response
    """Return status, protocol and who answered."""
    extensions = response.extensions
    version = _VERSIONS.get(extensions.get("http_version"), "")
    peer = remembered_peer_of(extensions.get("network_stream"), _server_address)
    return _OUTBOUND.response(response.status_code, version, peer, response.headers)


def _server_address(stream: Any) -> Any:  # noqa: ANN401 - httpcore's network stream
    return stream.get_extra_info("server_addr")


INSTRUMENTATION = Instrumentation(
    name="httpx",
    requires="httpx>=0.22,<1",
    patches=(
        Observe("httpx._client:Client._send_single_request", attempt, answered, carrier=headers),
        Observe("httpx._client:AsyncClient._send_single_request", attempt, answered, carrier=headers),
    ),
    family=families.HTTP_CLIENT,
    modules=("httpx",),
)
