"""Tornado's AsyncHTTPClient: one CLIENT span an attempt, redirects included, of the simple client; curl follows them itself.

Span: `{method}`, from `fetch`, the wait for a free slot included, to the headers of the answer; with curl, to its end.
Metrics: `http.client.request.duration`, `http.client.request.body.size`, `http.client.response.body.size`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0);
tornado/simple_httpclient.py `_HTTPConnection`, tornado/http1connection.py `_GzipMessageDelegate` (6.1 to 6.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Attributes, EditCall, Instrumentation
from platform_instrument.engine.answers import Answer, Awaited
from platform_instrument.engine.outbound import Outbound, peer_of_socket, place_of
from platform_instrument.engine.scope import Plan, open_call
from platform_instrument.engine.transfers import UNKNOWN, size_of
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from platform_instrument.core.values import Call

_NAME = "tornado_client"
_OUTBOUND = Outbound(_NAME)
_SENT = "_platform_instrument_sent"
"""How often a request was sent, on the request; one that follows a redirect is a copy that knows the original."""
_BELOW = "_platform_instrument_below"
"""What was current where the application made the request: tornado goes on from wherever a slot is free."""
_FINAL = 200


def attempt(call: Call) -> Any:  # noqa: ANN401 - an operation and its attributes
    """Return what is going to be sent, and where to."""
    request = call.argument(1, "request")
    sent = getattr(request.request, _SENT)
    return _OUTBOUND.request(request.method, *place_of(request.url), request.url, request.headers, sent - 1)


def headers(call: Call) -> MutableMapping[str, str]:
    """Return the request's headers, of which tornado has made a copy."""
    return call.argument(1, "request").headers  # type: ignore[no-any-return] # tornado.httputil.HTTPHeaders


def answered(call: Call, answer: Answer) -> Attributes:
    """Return status, protocol and who answered."""
    call.state = attributes = _OUTBOUND.response(answer.status, answer.version, answer.peer, answer.headers)
    return attributes


_PLAN = Plan(f"{_NAME} fetch", attempt, answered, None, headers, families.HTTP_CLIENT, own_scope(_NAME))


def begin(call: Call) -> None:
    """Begin an attempt, which is over when its callback is called; its span is never current, since the loop goes on."""
    current, request = CURRENT.get(), call.argument(1, "request").request
    if hasattr(request, "original_request"):
        CURRENT.set(getattr(request, _BELOW, None))
        setattr(request, _SENT, getattr(request, _SENT, 0) + 1)
    else:
        setattr(request, _BELOW, current)
        setattr(request, _SENT, 1)
    try:
        opened = open_call(_PLAN, call.args, call.kwargs)
    finally:
        CURRENT.set(current)
    if opened is not None:
        unknown = None if request.body_producer is None else UNKNOWN
        awaited = Awaited(_PLAN, opened, unknown if request.body is None else size_of(request.body), read)
        call.args, call.kwargs = (call.instance, call.argument(1, "request"), awaited), {}


def read(response: Any) -> Answer | BaseException:  # noqa: ANN401 - tornado.httpclient.HTTPResponse
    """Return what an answer of curl's says, or why there is none; one that curl decompressed, or handed on, has no size."""
    if response.error is not None and not response._error_is_response_code:  # noqa: SLF001 - 599 may be a server's, too
        return response.error  # type: ignore[no-any-return] # an exception
    handed_on = response.request.streaming_callback is not None or "Content-Encoding" in response.headers
    size = UNKNOWN if handed_on else response.buffer.getbuffer().nbytes if response.buffer is not None else 0
    return Answer(response.code, "", None, response.headers, size)


def headers_came(call: Call) -> None:
    """End the span with the headers of the answer; an informational one goes before it."""
    awaited, line = getattr(call.instance, "final_callback", None), call.argument(1, "first_line")
    if type(awaited) is Awaited and line.code >= _FINAL:
        peer = peer_of_socket(getattr(call.instance.stream, "socket", None))
        awaited.answered(Answer(line.code, line.version.removeprefix("HTTP/"), peer, call.argument(2, "headers"), 0))


def part_came(call: Call) -> None:
    """Count a part of the body, before it is decompressed where it may be."""
    inside = getattr(call.instance, "_delegate", None)
    awaited = getattr(call.instance if inside is None else inside, "final_callback", None)
    if type(awaited) is Awaited:
        awaited.count(len(call.argument(1, "chunk")), compressed=inside is not None)


INSTRUMENTATION = Instrumentation(
    name=_NAME,
    requires="tornado>=6.1,<7",
    patches=(
        EditCall("tornado.simple_httpclient:SimpleAsyncHTTPClient.fetch_impl", begin),
        EditCall("tornado.simple_httpclient:_HTTPConnection.headers_received", headers_came),
        EditCall("tornado.simple_httpclient:_HTTPConnection.data_received", part_came),
        EditCall("tornado.http1connection:_GzipMessageDelegate.data_received", part_came),
        EditCall("tornado.curl_httpclient:CurlAsyncHTTPClient.fetch_impl", begin, optional=True),
    ),
    family=families.HTTP_CLIENT,
    modules=("tornado",),
)
