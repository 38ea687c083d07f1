"""httpx: one CLIENT span an attempt, redirects and retries of `auth` included; sync, async, HTTP/2.

Span: `{method}`. Metric: `http.client.request.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0);
httpx/_client.py `_send_single_request` (0.18 to 0.28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Attributes, Instrumentation, Observe, Operation
from platform_instrument.semantics.http import DEFAULT_PORTS, client_request, client_response, protocol_version

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from platform_instrument.core.values import Call


def request(call: Call) -> tuple[Operation, Attributes]:
    """Return what is sent, and where to."""
    sent = call.argument(1, "request")
    url = sent.url
    return client_request(sent.method, url.host, url.port or DEFAULT_PORTS.get(url.scheme, 80), str(url))


def headers(call: Call) -> MutableMapping[str, str]:
    """Return the request's headers."""
    carrier: MutableMapping[str, str] = call.argument(1, "request").headers
    return carrier


def response(_call: Call, answer: Any) -> Attributes:  # noqa: ANN401 - httpx.Response
    """Return status and protocol."""
    return client_response(answer.status_code, protocol_version(answer.http_version))


INSTRUMENTATION = Instrumentation(
    name="httpx",
    requires="httpx>=0.18",
    patches=(
        Observe("httpx._client:Client._send_single_request", request, response, carrier=headers),
        Observe("httpx._client:AsyncClient._send_single_request", request, response, carrier=headers),
    ),
    family=families.HTTP_CLIENT,
    modules=("httpx",),
)
