"""URLs for telemetry: user info and secret query values become REDACTED; in other texts a label of their kind.

Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/ (1.37.0), and names of our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.detector import Detector, matches
from platform_instrument.privacy.labels import LABEL
from platform_instrument.privacy.names import is_secret_name
from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

_AUTHORITY = Pattern(r"(?<=://)[^\s/?#\"'<>]{1,512}@")
_ODD_PASSWORD = Pattern(r"(?<=://)[^\s/?#@:\[\"'<>]{0,256}:(?!\d{1,5}(?:[/?#\s]|$))[^\s\"'<>@]{1,256}@(?=[\w\[])")
"""A password that holds `/`, `?` or `#`, which no URL may, and which drivers accept."""
_OF_A_DRIVER = Pattern(r"(?<![^\s'\"=(\[])[^\s:/@'\"<>\[\]]{1,64}:[^\s'\"<>@]{1,256}@(?=(?:tcp|unix)\()")
"""Where a driver of Go connects to: `user:password@tcp(host)`."""
_PARAMETER = Pattern(r"([?&;#])([^=&;#?\s\"'<>]{1,128})=((?:[^&;#\s\"'<>`\\]|\\(?!\\{0,15}(?:[\"'/nrt]|u00)))+)")
"""A value ends before an escape of JSON that ends the text, or the line, that the URL is in."""

_NOBODY = "git@"
"""The user that all clients of a host of repositories have."""
_MASK = "REDACTED"
_MASKED = Pattern(rf"(?:{_MASK}(?::{_MASK})?|{LABEL})\W*")


def redact_url(text: str) -> str:
    """Return a URL without credentials."""
    if "@" in text and "://" in text:
        text = _AUTHORITY.sub(_user_info, _ODD_PASSWORD.sub(_user_info, text))
    if "=" in text and ("?" in text or "#" in text or "&" in text):
        text = _PARAMETER.sub(_parameter, text)
    return text


def redact_query(text: str) -> str:
    """Return a query, with or without its question mark, without secret values."""
    return _PARAMETER.sub(_parameter, f"?{text}")[1:] if "=" in text else text


def _user_info(match: re.Match[str]) -> str:
    return f"{_MASK}:{_MASK}@" if ":" in match[0] else f"{_MASK}@"


def _parameter(match: re.Match[str]) -> str:
    secret = is_secret_name(match[2]) and not _MASKED.fullmatch(match[3])
    return f"{match[1]}{match[2]}={_MASK}" if secret else match[0]


def _credentials(match: re.Match[str]) -> tuple[tuple[int, int], ...]:
    """Return the user info without its sign."""
    return () if match[0] == _NOBODY or _MASKED.fullmatch(match[0]) else ((match.start(), match.end() - 1),)


def _secret(match: re.Match[str]) -> tuple[tuple[int, int], ...]:
    return (match.span(3),) if is_secret_name(match[2]) and not _MASKED.fullmatch(match[3]) else ()


def redact_encoded(text: str, label: Callable[[str], str]) -> str:
    """Return a text with a label for each parameter that is written with `%` or `+` and that has one once it is decoded."""
    return _PARAMETER.sub(lambda match: f"{match[1]}{match[2]}={_decoded_label(match[3], label) or match[3]}", text)


def encoded_label(text: str, label: Callable[[str], str]) -> str:
    """Return the label of the first such parameter, empty where there is none."""
    return next(filter(None, (_decoded_label(match[3], label) for match in _PARAMETER.compiled().finditer(text))), "")


def _decoded_label(value: str, label: Callable[[str], str]) -> str:
    if "%" not in value and "+" not in value:
        return ""
    from urllib.parse import unquote_plus  # heavy, and few texts need it

    return label(unquote_plus(value))


URL_CREDENTIALS = (
    Detector("credentials", matches(_ODD_PASSWORD, _credentials)),
    Detector("credentials", matches(_AUTHORITY, _credentials)),
)
DRIVER_CREDENTIALS = Detector("credentials", matches(_OF_A_DRIVER, _credentials))
URL_SECRET = Detector("secret", matches(_PARAMETER, _secret))
