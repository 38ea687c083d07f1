"""requests: one CLIENT span an attempt, redirects and answers to `auth` included.

Where an adapter retries by itself (`max_retries`), its attempts are left to urllib3's instrumentation, which sees each.
Span: `{method}`, from the request to the headers of the answer. Metrics: `http.client.request.duration`, and the sizes of the
bodies, `http.client.request.body.size` and `http.client.response.body.size`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0);
requests/adapters.py `HTTPAdapter.send`, requests/models.py `PreparedRequest.copy` (2.20 to 2.34).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import UNSEEN, Attributes, EditResult, Instrumentation, Observe
from platform_instrument.engine.outbound import SOCKET_VERSIONS, Outbound, peer_of_socket, place_of
from platform_instrument.engine.readers import count_answer, sends_latin
from platform_instrument.engine.transfers import CountedBody, Transfer, counted, failed, sent_of

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from platform_instrument.core.values import Call

_OUTBOUND = Outbound("requests")
_SENT = "_platform_instrument_sent"
"""How often a request was sent, on the request; redirects and demands for credentials are answered by copies of it."""


def attempt(call: Call) -> Any:  # noqa: ANN401 - an operation and its attributes
    """Return what is sent, and where to; None where the adapter may send it more than once."""
    request = call.argument(1, "request")
    resent = getattr(request, _SENT, 0)
    setattr(request, _SENT, resent + 1)
    address, port = place_of(request.url)
    seen = _OUTBOUND.request(request.method, address, port, request.url, request.headers, resent)
    retries = getattr(call.instance.max_retries, "total", 0)
    if (retries or retries is None) and seen[1] is not UNSEEN:
        return None
    request.body = counted(request.body)
    return seen


def headers(call: Call) -> MutableMapping[str, str]:
    """Return the request's headers."""
    carrier: MutableMapping[str, str] = call.argument(1, "request").headers
    return carrier


def answered(call: Call, response: Any) -> Attributes:  # noqa: ANN401 - requests.Response
    """Return status, protocol and who answered."""
    raw = response.raw
    version = SOCKET_VERSIONS.get(getattr(raw, "version", 0), "")
    socket = getattr(getattr(raw, "_connection", None), "sock", None)
    attributes = _OUTBOUND.response(response.status_code, version, peer_of_socket(socket), response.headers)
    transfer = Transfer(call.span, attributes, _sent(call))
    count_answer(getattr(raw, "_original_response", None), transfer, getattr(raw, "_fp_bytes_read", None))
    return attributes


def not_answered(call: Call, error: BaseException) -> None:
    """Measure what was sent all the same."""
    failed(call.span, error, _sent(call) if isinstance(call.argument(1, "request").body, CountedBody) else None)


def _sent(call: Call) -> int | None:
    """Return how much was sent, and give the request back the body that the application gave it."""
    request = call.argument(1, "request")
    body = request.body
    if isinstance(body, CountedBody):
        request.body = body.body
    return sent_of(body, request.headers.get("Content-Length"), latin=sends_latin())


def counted_on(call: Call, copy: Any) -> None:  # noqa: ANN401 - requests.PreparedRequest
    """Let the copy of a request go on counting."""
    setattr(copy, _SENT, getattr(call.instance, _SENT, 0))


INSTRUMENTATION = Instrumentation(
    name="requests",
    requires="requests>=2.20,<3",
    patches=(
        Observe("requests.adapters:HTTPAdapter.send", attempt, answered, not_answered, headers),
        EditResult("requests.models:PreparedRequest.copy", counted_on),
    ),
    family=families.HTTP_CLIENT,
    modules=("requests",),
)
