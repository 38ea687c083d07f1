"""http.client: one CLIENT span a request, to the headers of its answer; what others send through it is theirs.

An attempt is two calls: the headers are complete, and the request is sent; the answer is asked for, or the connection closed.
A body that the application sends by `send` counts by its `Content-Length`.
Span: `{method}`. Metrics: `http.client.request.duration`, `http.client.request.body.size`, `http.client.response.body.size`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0);
CPython Lib/http/client.py `HTTPConnection.endheaders`, `getresponse` (3.10 to 3.14).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import OPEN, Attributes, Instrumentation, Observe
from platform_instrument.engine.heads import Head
from platform_instrument.engine.outbound import SOCKET_VERSIONS, Outbound, peer_of_socket, place_of
from platform_instrument.engine.readers import count_answer
from platform_instrument.engine.transfers import UNKNOWN, CountedBody, Transfer, counted, failed, size_of
from platform_instrument.semantics.http import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from platform_instrument.core.values import Call

_OUTBOUND = Outbound("http_client")
_GOING_ON = "_platform_instrument_going_on"


def attempt(call: Call) -> Any:  # noqa: ANN401 - an operation and its attributes
    """Return what is sent, and where to; None where nothing was begun, which fails."""
    connection = call.instance
    head = Head(connection)
    if not head.line:
        return None
    method, _, line = head.line.partition(" ")
    url = line.rpartition(" ")[0]
    if "://" in url:
        address, port = place_of(url)
    else:
        scheme = "https" if connection.default_port == DEFAULT_PORTS["https"] else "http"
        address, port = connection.host, connection.port
        if connection._tunnel_host:  # noqa: SLF001 - there is no other way
            address, port = connection._tunnel_host, connection._tunnel_port or DEFAULT_PORTS[scheme]  # noqa: SLF001 - as above
        host = f"[{address}]" if ":" in address else address
        url = f"{scheme}://{host}{'' if port == DEFAULT_PORTS[scheme] else f':{port}'}{url}"
    body = counted(call.argument(1, "message_body"))
    if isinstance(body, CountedBody):
        call.args, call.kwargs["message_body"] = call.args[:1] + call.args[2:], body
    call.state = body, _declared(head) if body is None else UNKNOWN
    return _OUTBOUND.request(method, address, port, url, head, 0)


def _declared(head: Head) -> int | None:
    """Return the size of a body that is going to be sent by itself, None where there is none."""
    length = head.get("content-length")
    if length is not None and length.isdigit():
        return int(length)
    return None if head.get("transfer-encoding") is None else UNKNOWN


def headers(call: Call) -> MutableMapping[str, str]:
    """Return the request's headers."""
    return Head(call.instance)


def sent(call: Call, _result: None) -> Any:  # noqa: ANN401 - OPEN
    """Keep the span with the connection, which knows who is going to answer as long as it has a socket."""
    body, declared = call.state
    size = declared if body is None else body.size if isinstance(body, CountedBody) else size_of(body)
    call.instance.__dict__[_GOING_ON] = call.span, size, peer_of_socket(call.instance.sock)
    return OPEN


def not_sent(call: Call, error: BaseException) -> None:
    """Measure what was sent all the same."""
    body = call.state[0]
    failed(call.span, error, body.size if isinstance(body, CountedBody) else None)


def under_way(call: Call) -> Any:  # noqa: ANN401 - a span
    """Return the span that the connection keeps."""
    span, *call.state = call.instance.__dict__.pop(_GOING_ON, (None,))
    return span


def answered(call: Call, response: Any) -> Attributes:  # noqa: ANN401 - http.client.HTTPResponse
    """Return status, protocol and who answered."""
    size, peer = call.state
    attributes = _OUTBOUND.response(response.status, SOCKET_VERSIONS.get(response.version, ""), peer, response.headers)
    count_answer(response, Transfer(call.span, attributes, size), None)
    return attributes


INSTRUMENTATION = Instrumentation(
    name="http_client",
    requires="python>=3.10,<3.16",
    patches=(
        Observe("http.client:HTTPConnection.endheaders", attempt, sent, not_sent, headers),
        Observe("http.client:HTTPConnection.getresponse", under_way, answered),
        Observe("http.client:HTTPConnection.close", under_way),
    ),
    family=families.HTTP_CLIENT,
    modules=("http.client",),
    used="HTTPConnection.__init__",
)
