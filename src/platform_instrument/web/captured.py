"""What the settings want of the headers of requests that are served and of their answers; read on the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.semantics.headers import REQUEST, RESPONSE, capture
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.choices import facts_wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.semantics.headers import Captured, Pairs
    from platform_instrument.web.known import Known


class Wanted:
    """What is captured."""

    ready = False
    request: Captured | None = None
    """Returns the attributes of a request's headers; None where none is wanted."""
    response: Captured | None = None


def of_request(headers: Pairs) -> Mapping[str, Any]:
    """Return the attributes that are wanted of a request's headers."""
    if not Wanted.ready:
        prepare()
    return Wanted.request(headers) if Wanted.request is not None else {}


def prepare() -> None:
    """Read the settings."""
    if pipeline.PIPELINE is None:
        return
    settings = pipeline.PIPELINE.settings
    sanitized = settings.instrumentation_http_capture_headers_sanitize_fields
    Wanted.request = capture(REQUEST, settings.instrumentation_http_capture_headers_server_request, sanitized)
    Wanted.response = capture(RESPONSE, settings.instrumentation_http_capture_headers_server_response, sanitized)
    Wanted.ready = True


def known() -> Known | None:
    """Return what is to be known of requests beside their spans, None where that is nothing."""
    running = pipeline.PIPELINE
    if running is None or not facts_wanted(running.settings):
        return None
    from platform_instrument.web.known import Known  # few services want it

    return Known(running.settings)
