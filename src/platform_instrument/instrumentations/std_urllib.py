"""urllib.request: one CLIENT span an attempt, redirects and answers to demands for credentials included.

Span: `{method}`. Metrics: `http.client.request.duration`, `http.client.request.body.size`, `http.client.response.body.size`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0);
CPython Lib/urllib/request.py `AbstractHTTPHandler.do_open`, `OpenerDirector.error` (3.10 to 3.14).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.errors import error_type
from platform_instrument.core.values import Attributes, EditCall, EditResult, Instrumentation, Observe
from platform_instrument.engine.heads import RequestHead
from platform_instrument.engine.outbound import SOCKET_VERSIONS, Outbound, peer_of_socket, place_of
from platform_instrument.engine.readers import count_answer
from platform_instrument.engine.transfers import Transfer, counted, failed, sent_of

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from platform_instrument.core.values import Call

_OUTBOUND = Outbound("urllib")
_SENT = "_platform_instrument_sent"
"""How often a request was sent, on the request."""
_AGAIN = "_platform_instrument_again"
"""The same, on a request that is sent because of the answer to the one before."""


def attempt(call: Call) -> Any:  # noqa: ANN401 - an operation and its attributes
    """Return what is sent, and where to; a copy of the request is, so that the application's own stays as it is."""
    given = call.argument(2, "req")
    resent = given.__dict__.pop(_AGAIN, 0)
    setattr(given, _SENT, resent + 1)
    request = object.__new__(type(given))
    request.__dict__.update(given.__dict__)
    request.headers, request.unredirected_hdrs = dict(given.headers), dict(given.unredirected_hdrs)
    request._data = counted(given.data)  # set as `data`, the length that was declared would be forgotten
    call.args, call.kwargs["req"] = call.args[:2], request
    url = request.full_url
    return _OUTBOUND.request(request.get_method(), *place_of(url), url, RequestHead(request), resent)


def headers(call: Call) -> MutableMapping[str, str]:
    """Return the headers of the copy."""
    return RequestHead(call.kwargs["req"])


def answered(call: Call, response: Any) -> Attributes:  # noqa: ANN401 - http.client.HTTPResponse
    """Return status, protocol and who answered, which the socket knows that is left for the body."""
    request = call.kwargs["req"]
    socket = getattr(getattr(response.fp, "raw", None), "_sock", None)
    version = SOCKET_VERSIONS.get(response.version, "")
    attributes = _OUTBOUND.response(response.status, version, peer_of_socket(socket), response.headers)
    size = sent_of(request.data, request.get_header("Content-length"), latin=True)
    count_answer(response, Transfer(call.span, attributes, size), None)
    return attributes


def not_answered(call: Call, error: BaseException) -> Attributes:
    """Return what is behind an `URLError`; measure what was sent all the same."""
    reason = getattr(error, "reason", None)
    cause = reason if isinstance(reason, BaseException) else error
    failed(call.span, cause, getattr(call.kwargs["req"].data, "size", None))
    return {"error.type": error_type(cause)}


def about_to_be_answered(call: Call) -> None:
    """Note that what is sent from here on is sent again: an answer demands something."""
    request = call.argument(2, "request")
    sent = getattr(request, _SENT, 0)
    if sent:
        setattr(request, _AGAIN, sent)


def redirected(call: Call, request: Any) -> None:  # noqa: ANN401 - urllib.request.Request, or None
    """Let the request that follows a redirect go on counting."""
    sent = call.argument(1, "req").__dict__.pop(_AGAIN, 0)
    if request is not None:
        setattr(request, _AGAIN, sent)


INSTRUMENTATION = Instrumentation(
    name="urllib",
    requires="python>=3.10,<3.16",
    patches=(
        Observe("urllib.request:AbstractHTTPHandler.do_open", attempt, answered, not_answered, headers),
        EditCall("urllib.request:OpenerDirector.error", about_to_be_answered),
        EditResult("urllib.request:HTTPRedirectHandler.redirect_request", redirected),
    ),
    family=families.HTTP_CLIENT,
    modules=("urllib.request",),
    used="AbstractHTTPHandler.do_open",
)
