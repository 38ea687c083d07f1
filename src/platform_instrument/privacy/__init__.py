"""What leaves unmasked, and what does not: pure functions on texts, none of which needs a running pipeline.

    sanitize_sql("SELECT * FROM t WHERE a = 'x'").text  # SELECT * FROM t WHERE a = ?
    mask("mail to bob@example.com")  # mail to [email]

They are loaded when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platform_instrument.privacy.commands import mask_command
    from platform_instrument.privacy.pii import find, mask
    from platform_instrument.privacy.sql import Statement, sanitize_sql
    from platform_instrument.privacy.text import mask_attribute, mask_url

__all__ = ["Statement", "find", "mask", "mask_attribute", "mask_command", "mask_url", "sanitize_sql"]

_HOMES = {
    "Statement": "sql",
    "find": "pii",
    "mask": "pii",
    "mask_attribute": "text",
    "mask_command": "commands",
    "mask_url": "text",
    "sanitize_sql": "sql",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    """Load the function that is asked for."""
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found
