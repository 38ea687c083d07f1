"""httpx: one CLIENT span an attempt, redirects and retries of `auth` included; sync, async, HTTP/2.

Span: `{method}`, from the request to the headers of the answer. Metrics: `http.client.request.duration`, and the sizes of the
bodies, `http.client.request.body.size` and `http.client.response.body.size`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0);
httpx/_client.py `_send_single_request`, `BoundSyncStream` (0.22 to 0.28).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Attributes, EditResult, Instrumentation, Observe
from platform_instrument.engine.outbound import Outbound, remembered_peer_of
from platform_instrument.engine.streams import CountedStream, Download, counted_stream
from platform_instrument.engine.transfers import Transfer, failed
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
    if not hasattr(request, "_content") and not isinstance(request.stream, CountedStream):
        request.stream = counted_stream(request.stream, _kinds())
    port = url.port or DEFAULT_PORTS.get(url.scheme, 80)
    return _OUTBOUND.request(request.method, url.host, port, str(url), request.headers, resent)


def headers(call: Call) -> MutableMapping[str, str]:
    """Return the request's headers."""
    carrier: MutableMapping[str, str] = call.argument(1, "request").headers
    return carrier


def answered(call: Call, response: Any) -> Attributes:  # noqa: ANN401 - httpx.Response
    """Return status, protocol and who answered."""
    extensions = response.extensions
    version = _VERSIONS.get(extensions.get("http_version"), "")
    peer = remembered_peer_of(extensions.get("network_stream"), _server_address)
    attributes = _OUTBOUND.response(response.status_code, version, peer, response.headers)
    sent = _sent(call)
    if response.is_stream_consumed:
        Transfer(call.span, attributes, sent).ended(response.num_bytes_downloaded)
    else:
        response.stream.platform_instrument_download = Download(call.span, attributes, sent, response)
    return attributes


def closed(call: Call, _result: None) -> None:
    """Measure the answer: it was read to its end, or nobody wants the rest."""
    download: Download | None = getattr(call.instance, "platform_instrument_download", None)
    if download is not None:
        download.finish()


def not_answered(call: Call, error: BaseException) -> None:
    """Measure what was sent all the same."""
    counted = isinstance(call.argument(1, "request").stream, CountedStream)
    sent = _sent(call)
    failed(call.span, error, sent if counted else None)


def _sent(call: Call) -> int | None:
    """Return how much was sent, and give the request back the stream that it had."""
    request = call.argument(1, "request")
    stream = request.stream
    if isinstance(stream, CountedStream):
        request.stream = stream.stream
        return stream.size
    size = len(getattr(request, "_content", b""))
    return size if size or (request.method != "GET" and "content-length" in request.headers) else None


def _kinds() -> tuple[type, ...]:
    """Return the classes by which httpx tells its streams apart."""
    httpx = sys.modules["httpx"]
    return httpx.SyncByteStream, httpx.AsyncByteStream


def _server_address(stream: Any) -> Any:  # noqa: ANN401 - httpcore's network stream
    return stream.get_extra_info("server_addr")


INSTRUMENTATION = Instrumentation(
    name="httpx",
    requires="httpx>=0.22,<1",
    patches=(
        Observe("httpx._client:Client._send_single_request", attempt, answered, not_answered, headers),
        Observe("httpx._client:AsyncClient._send_single_request", attempt, answered, not_answered, headers),
        EditResult("httpx._client:BoundSyncStream.close", closed),
        EditResult("httpx._client:BoundAsyncStream.aclose", closed),
    ),
    family=families.HTTP_CLIENT,
    modules=("httpx",),
)
