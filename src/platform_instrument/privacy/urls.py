"""URLs for telemetry: user info and secret query values become REDACTED."""

from __future__ import annotations

import re

_USER_INFO = re.compile(r"(?<=://)[^/?#\s@]*(?:@[^/?#\s@]*)*@")
_SECRET = re.compile(
    r"([?&;](?:[\w.-]*(?:token|secret|password|passwd|pwd|apikey|api[_-]key|access[_-]?key|session|auth|credential|signature)[\w.-]*"
    r"|awsaccesskeyid|sig|key|code|pass)=)[^&#;\s]+",
    re.IGNORECASE,
)


def mask_url(url: str) -> str:
    """Return a URL, whole or a part of one, without credentials."""
    if "@" in url:
        url = _USER_INFO.sub("REDACTED:REDACTED@", url)
    return _SECRET.sub(r"\1REDACTED", url) if "=" in url else url


def mask_query(query: str) -> str:
    """Return a query string, with or without its question mark, without secret values."""
    return mask_url("?" + query)[1:] if "=" in query else query
