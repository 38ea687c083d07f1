"""Values as formatters and records hold them: texts, bytes, mappings and lists; what is to be hidden in a copy is."""

from __future__ import annotations

from typing import Any

from platform_instrument.privacy.labels import SECRET
from platform_instrument.privacy.names import is_secret_name
from platform_instrument.privacy.pii import mask

_DEEPEST = 8


def mask_value(value: Any, deepest: int = _DEEPEST) -> Any:  # noqa: ANN401 - the application's
    """Return a copy in which nothing is to be hidden; what holds no text stays itself."""
    if isinstance(value, str):
        return mask(str.__str__(value))
    if isinstance(value, bytes):
        text = value.decode("utf-8", "surrogateescape")
        masked = mask(text)
        return value if masked == text else masked.encode("utf-8", "surrogateescape")
    if deepest and isinstance(value, dict):
        return {key: mask_member(key, item, deepest - 1) for key, item in value.items()}
    if deepest and type(value) in (list, tuple):
        return type(value)([mask_value(item, deepest - 1) for item in value])
    return value


def mask_member(key: Any, value: Any, deepest: int = _DEEPEST) -> Any:  # noqa: ANN401 - the application's
    """Return what stands under a key: nothing of it where the key speaks of a secret."""
    if isinstance(value, (str, bytes)) and isinstance(key, str) and is_secret_name(key):
        return SECRET
    return mask_value(value, deepest)
