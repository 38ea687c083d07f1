"""The door through which every attribute, name and message leaves: what is secret becomes a mask."""

from __future__ import annotations

import re
from typing import Any

from platform_instrument.privacy.urls import mask_query, mask_url

_SUSPECT = re.compile(r"[@=:]|eyJ|(?i:bearer|basic|token|password|secret)|AKIA|gh[pousr]_|-----BEGIN")
_KEY_VALUE = re.compile(
    r"(?i)\b((?:[\w-]*(?:password|passwd|pwd|secret|token|api[_-]?key|apikey))[\"']?\s*[=:]\s*[\"']?)([^\s\"',;&]+)"
)
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_SHAPES = re.compile(
    r"\beyJ[\w-]+\.[\w-]+\.?[\w-]*|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|-----BEGIN[^-]+-----.*?(?:-----END[^-]+-----|\Z)",
    re.DOTALL,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_EXEMPT = ("service.", "k8s.", "host.", "telemetry.", "code.", "http.route")


def mask_attribute(key: str, value: Any) -> Any:  # noqa: ANN401 - an attribute value
    """Return the value that may leave under this key; never raises."""
    if isinstance(value, str):
        if not _SUSPECT.search(value) or key.startswith(_EXEMPT):
            return value
        if key in ("url.query", "http.query"):
            return mask_query(value)
        value = mask_url(value)
        value = _SHAPES.sub("***", value)
        value = _SCHEME.sub(r"\1 ***", value)
        value = _KEY_VALUE.sub(r"\1***", value)
        return _EMAIL.sub("***", value) if "@" in value and "://" not in value else value
    if isinstance(value, (list, tuple)):
        return [mask_attribute(key, item) for item in value]
    return value
