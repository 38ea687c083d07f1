"""urllib3: one CLIENT span an attempt, retries and redirects included; what others send through it is theirs.

Span: `{method}`, from the request, connecting included, to the headers of the answer.
Metrics: `http.client.request.duration`, `http.client.request.body.size`, `http.client.response.body.size`.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client (version 1.37.0);
urllib3/connectionpool.py `HTTPConnectionPool._make_request` (1.26 to 2.8).
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Attributes, Custom, EditCall, Instrumentation, Observe
from platform_instrument.engine.outbound import SOCKET_VERSIONS, Outbound, peer_of_socket, place_of
from platform_instrument.engine.readers import count_answer, sends_latin
from platform_instrument.engine.transfers import CountedBody, Transfer, counted, failed, sent_of
from platform_instrument.semantics.http import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from platform_instrument.core.values import Call, Changes

_OUTBOUND = Outbound("urllib3")
_retries: ContextVar[Any] = ContextVar("platform_instrument_urllib3_retries", default=None)
"""Under urllib3 1.26 only: what `urlopen`, which makes the attempt next, was told of those before."""


def attempt(call: Call) -> Any:  # noqa: ANN401 - an operation and its attributes
    """Return what is sent, and where to; through a proxy without a tunnel the URL is whole and names another host."""
    pool, method, url = call.instance, call.argument(2, "method"), call.argument(3, "url")
    if url.startswith("/"):
        address = pool.host.strip("[]")
        port = pool.port or DEFAULT_PORTS.get(pool.scheme, 80)
        shown = pool.host if port == DEFAULT_PORTS.get(pool.scheme) else f"{pool.host}:{port}"
        url = f"{pool.scheme}://{shown}{url}"
    else:
        address, port = place_of(url)
    retries = call.kwargs["retries"] if "retries" in call.kwargs else _retries.get()
    resent = len(getattr(retries, "history", ()))
    if call.kwargs.get("body") is not None:
        call.kwargs["body"] = counted(call.kwargs["body"])
    return _OUTBOUND.request(method, address, port, url, call.kwargs.get("headers"), resent)


def headers(call: Call) -> MutableMapping[str, str]:
    """Return a copy of the headers, which belong to the application, in their place."""
    given: Any = call.kwargs.get("headers")
    carrier: MutableMapping[str, str] = given.copy() if hasattr(given, "copy") else dict(given or {})
    call.kwargs["headers"] = carrier
    return carrier


def answered(call: Call, response: Any) -> Attributes:  # noqa: ANN401 - urllib3's response, under 1.26 http.client's
    """Return status, protocol and who answered."""
    socket = getattr(call.argument(1, "conn"), "sock", None)
    version = SOCKET_VERSIONS.get(response.version, "")
    attributes = _OUTBOUND.response(response.status, version, peer_of_socket(socket), response.headers)
    transfer = Transfer(call.span, attributes, sent_of(call.kwargs.get("body"), _declared(call), latin=sends_latin()))
    count_answer(getattr(response, "_original_response", response), transfer, getattr(response, "_fp_bytes_read", None))
    return attributes


def not_answered(call: Call, error: BaseException) -> None:
    """Measure what was sent all the same."""
    body = call.kwargs.get("body")
    failed(call.span, error, body.size if isinstance(body, CountedBody) else None)


def _declared(call: Call) -> Any:  # noqa: ANN401 - a header's value
    """Return what the application itself said of the length of the body."""
    given = call.kwargs.get("headers") or {}
    return given.get("Content-Length", given.get("content-length"))


def _note_retries(call: Call) -> None:
    _retries.set(call.argument(5, "retries"))


def count_under_1_26(changes: Changes) -> None:
    """Note what `urlopen` knows of earlier attempts, which only urllib3 2 hands on to the attempt itself."""
    if sys.modules["urllib3"].__version__.startswith("1."):
        pool = sys.modules["urllib3.connectionpool"].HTTPConnectionPool
        changes.edit(pool, EditCall("urllib3.connectionpool:HTTPConnectionPool.urlopen", _note_retries))


INSTRUMENTATION = Instrumentation(
    name="urllib3",
    requires="urllib3>=1.26,<3",
    patches=(
        Observe("urllib3.connectionpool:HTTPConnectionPool._make_request", attempt, answered, not_answered, headers),
        Custom("urllib3.connectionpool", count_under_1_26),
    ),
    family=families.HTTP_CLIENT,
    modules=("urllib3",),
)
