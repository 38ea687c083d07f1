"""What leaves unmasked, and what does not: pure functions on texts, none of which needs a running pipeline.

    sanitize_sql("SELECT * FROM t WHERE a = 'x'").text  # SELECT * FROM t WHERE a = ?
    mask("mail to bob@example.com")  # mail to [email]

They are loaded when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.lazy import lazy

if TYPE_CHECKING:
    from platform_instrument.privacy.commands import command_name, mask_command, mask_memcached, read_command
    from platform_instrument.privacy.pii import find, mask
    from platform_instrument.privacy.sql import Statement, known_sql, sanitize_sql
    from platform_instrument.privacy.text import mask_attribute, mask_url

__all__ = ["Statement", "command_name", "find", "known_sql", "mask", "mask_attribute", "mask_command", "mask_memcached",
           "mask_url", "read_command", "sanitize_sql"]  # fmt: skip

__getattr__ = lazy(__name__, {
    "Statement": "sql", "sanitize_sql": "sql", "known_sql": "sql", "find": "pii", "mask": "pii",
    "mask_command": "commands", "command_name": "commands", "read_command": "commands", "mask_memcached": "commands",
    "mask_attribute": "text", "mask_url": "text",
})  # fmt: skip
