"""Headers that the settings make attributes: `http.request.header.<name>` and `http.response.header.<name>`.

None by default. Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/ (version 1.37.0, opt-in).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_instrument.telemetry import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MASK = "***"

_LONGEST = 4_096
_MOST = 64


class Wanted:
    """What is captured; `prepare` reads it from the settings, on the first request."""

    ready = False
    request: Callable[[str], object] | None = None
    """Says whether a request header is wanted; None where none is."""
    response: Callable[[str], object] | None = None
    sanitized: Callable[[str], object] | None = None


def prepare() -> None:
    """Read the settings."""
    if pipeline.PIPELINE is None:
        return
    settings = pipeline.PIPELINE.settings
    Wanted.request = _matcher(settings.instrumentation_http_capture_headers_server_request)
    Wanted.response = _matcher(settings.instrumentation_http_capture_headers_server_response)
    Wanted.sanitized = _matcher(settings.instrumentation_http_capture_headers_sanitize_fields)
    Wanted.ready = True


def _matcher(patterns: tuple[str, ...]) -> Callable[[str], object] | None:
    """Return what tells whether one of the patterns is the whole of a name, in any case."""
    if not patterns:
        return None
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE).fullmatch


def captured(
    prefix: str, wanted: Callable[[str], object], headers: Iterable[tuple[str | bytes, str | bytes]]
) -> dict[str, tuple[str, ...]]:
    """Return the wanted headers as attributes, each value of a repeated header by itself."""
    found: dict[str, list[str]] = {}
    for raw, content in headers:
        name = _text(raw)
        if wanted(name) and (len(found) < _MOST or name in found):
            sanitized = Wanted.sanitized is not None and Wanted.sanitized(name)
            found.setdefault(prefix + name.lower(), []).append(MASK if sanitized else _text(content)[:_LONGEST])
    return {name: tuple(values) for name, values in found.items()}


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
