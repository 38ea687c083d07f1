"""What the settings want of the headers of requests that are served and of their answers; read on the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.semantics.headers import REQUEST, RESPONSE, capture
from platform_instrument.telemetry import pipeline

if TYPE_CHECKING:
    from platform_instrument.semantics.headers import Captured


class Wanted:
    """What is captured."""

    ready = False
    request: Captured | None = None
    """Returns the attributes of a request's headers; None where none is wanted."""
    response: Captured | None = None


def prepare() -> None:
    """Read the settings."""
    if pipeline.PIPELINE is None:
        return
    settings = pipeline.PIPELINE.settings
    sanitized = settings.instrumentation_http_capture_headers_sanitize_fields
    Wanted.request = capture(REQUEST, settings.instrumentation_http_capture_headers_server_request, sanitized)
    Wanted.response = capture(RESPONSE, settings.instrumentation_http_capture_headers_server_response, sanitized)
    Wanted.ready = True
