"""aiohttp client: one CLIENT span an attempt, redirects, reconnections and middlewares' retries included; websockets' handshake.

An attempt is three calls: a connection is taken, the request is sent, the headers of the answer are read.
Span: `{method}`. Metrics: `http.client.request.duration`, `http.client.request.body.size`, `http.client.response.body.size`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0);
aiohttp/client.py `ClientSession._request` (3.8 to 3.14).
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import OPEN, Attributes, EditCall, Instrumentation, Observe
from platform_instrument.engine.outbound import Outbound, peer_of
from platform_instrument.engine.sinks import CountedSink, Received
from platform_instrument.semantics.http import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from platform_instrument.core.values import Call

_OUTBOUND = Outbound("aiohttp_client")
_GOING_ON = "_platform_instrument_going_on"
_SENDS = "_platform_instrument_sends"
_RECEIVED = "_platform_instrument_received"
_sent: ContextVar[list[int] | None] = ContextVar("platform_instrument_aiohttp_sent", default=None)
"""How often the current request was sent: one number that all its attempts count up."""


def begin_counting(_call: Call) -> None:
    """Count the attempts of a new request."""
    _sent.set([0])


def attempt(call: Call) -> Any:  # noqa: ANN401 - an operation and its attributes
    """Return what is going to be sent, and where to."""
    request = call.argument(1, "req")
    url = request.url
    sent = _sent.get()
    resent = 0
    if sent is not None:
        resent = sent[0]
        sent[0] += 1
    port = url.port or DEFAULT_PORTS.get(url.scheme, 80)
    return _OUTBOUND.request(request.method, url.host or "", port, str(url), request.headers, resent)


def headers(call: Call) -> MutableMapping[str, str]:
    """Return the request's headers, which are written once it is connected."""
    carrier: MutableMapping[str, str] = call.argument(1, "req").headers
    return carrier


def connected(call: Call, connection: Any) -> Any:  # noqa: ANN401 - aiohttp's connection
    """Hand the span on with the request, and who is going to answer: an answer without a body gives the connection back."""
    setattr(call.argument(1, "req"), _GOING_ON, (call.span, peer_of(connection.transport, _server_address)))
    return OPEN


def _server_address(transport: Any) -> Any:  # noqa: ANN401 - asyncio's transport
    return transport.get_extra_info("peername")


def under_way(call: Call) -> Any:  # noqa: ANN401 - a span
    """Return the span that came with the request, or with its answer."""
    going_on = call.instance.__dict__.pop(_GOING_ON, None)
    if going_on is None:
        return None
    span, call.state = going_on
    return span


def sent(call: Call, response: Any) -> Any:  # noqa: ANN401 - aiohttp.ClientResponse
    """Hand the span on with the answer that is awaited, and what counts the request's body."""
    setattr(response, _GOING_ON, (call.span, (call.state, call.instance)))
    return OPEN


def count_request(call: Call) -> None:
    """Count the body as it is written, where it is sent: in a task of its own, or at once."""
    sink = CountedSink(call.argument(1, "writer"))
    setattr(call.instance, _SENDS, sink)
    call.args = (call.instance, sink, *call.args[2:])


def ended(call: Call) -> None:
    """Measure an answer that is closed or released before its end."""
    received = getattr(call.instance, _RECEIVED, None)
    if received is not None:
        received.finish()


def answered(call: Call, response: Any) -> Attributes:  # noqa: ANN401 - aiohttp.ClientResponse
    """Return status, protocol and who answered."""
    version = f"{response.version.major}.{response.version.minor}" if response.version else ""
    peer, request = call.state
    attributes = _OUTBOUND.response(response.status, version, peer, response.headers)
    received = Received(call.span, attributes, getattr(request, _SENDS, None), response.content, response.headers)
    setattr(response, _RECEIVED, received)
    response.content.on_eof(received.end)
    return attributes


INSTRUMENTATION = Instrumentation(
    name="aiohttp_client",
    requires="aiohttp>=3.8,<4",
    patches=(
        EditCall("aiohttp.client:ClientSession._request", begin_counting),
        Observe("aiohttp.connector:BaseConnector.connect", attempt, connected, carrier=headers),
        Observe("aiohttp.client_reqrep:ClientRequest.send", under_way, sent),
        EditCall("aiohttp.client_reqrep:ClientRequest.write_bytes", count_request),
        EditCall("aiohttp.client_reqrep:ClientResponse._notify_content", ended),
        Observe("aiohttp.client_reqrep:ClientResponse.start", under_way, answered),
    ),
    family=families.HTTP_CLIENT,
    modules=("aiohttp",),
)
