"""What can be hidden, and how. Start path: imports nothing."""

from __future__ import annotations

KINDS = (
    "email", "phone", "card", "iban", "us_ssn", "national_id", "ip",
    "jwt", "token", "private_key", "credentials", "secret", "custom",
)  # fmt: skip
"""Kinds of values: personal data, then secrets; `custom` are the patterns of `PLATFORM_MASK_PATTERNS`."""

MODES = ("mask", "hash", "off")
"""A label of the kind, a label with a pseudonym that is equal for equal values, or the value itself."""
