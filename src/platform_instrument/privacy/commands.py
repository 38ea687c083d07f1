"""Redis commands for telemetry: their name, and their text without values."""

from __future__ import annotations

from typing import Any

_MOST_NAMES = 1_024
_LONGEST_NAME = 32

_names: dict[Any, str] = {}


def command_name(arguments: tuple[Any, ...]) -> str:
    """Return a command's name in upper case, two words where it has subcommands; never raises."""
    if not arguments:
        return ""
    return _word(arguments[0])


def mask_command(arguments: tuple[Any, ...]) -> str:
    """Return a command with its key and a question mark for each other argument; never raises."""
    if not arguments:
        return ""
    return " ".join([_word(arguments[0]), *("?" for _ in arguments[1:20])])


def _word(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value[:_LONGEST_NAME]).decode("ascii", "replace")
    if not isinstance(value, str):
        return ""
    name = value[:_LONGEST_NAME].upper()
    return name if name.replace(" ", "").replace(".", "").replace("_", "").isalnum() else "OTHER"
