"""Commands of Redis and memcached for telemetry: their name, and their text without values.

Keys, fields and channels stay, since they say what is done; every value, option, script and credential is a question mark.
A command that is not known shows its name alone.
Source: https://opentelemetry.io/docs/specs/semconv/database/redis/ (1.37.0); https://redis.io/docs/latest/commands/
"""

from __future__ import annotations

from typing import Any

from platform_instrument.privacy.command_shapes import MEMCACHED_SHAPES, SHAPES, SUBCOMMANDS, keys_after_count, module_shape
from platform_instrument.privacy.cuts import cut
from platform_instrument.privacy.patterns import Pattern

_MOST_NAMES = 1_024
_LONGEST_NAME = 64
_LONGEST_ARGUMENT = 128
_MOST_READ = 640
"""Characters of an argument that are read, so that a value is known that begins before the end of what is shown."""
_MOST_ARGUMENTS = 16
_MARKS = tuple(" ?" * count for count in range(_MOST_ARGUMENTS))
_MANY_MARKS = _MARKS[-1] + " ..."
_FIELDS = frozenset((0, *range(1, _MOST_ARGUMENTS, 2)))
_UNKNOWN = "_OTHER"
_NAME = Pattern(r"[A-Z][A-Z0-9_.-]{0,31}")

_FEW = 3
_keyed_memcached = {
    (first, count): name
    for name, shape in MEMCACHED_SHAPES.items()
    for first in (name, name.encode())
    for count in (2, 3)
    if shape == 1 or (count == 2 and isinstance(shape, int) and shape)  # noqa: PLR2004 - the name and one key
}
"""Names of memcached's commands, by how they are written and how many arguments there are, of which only the first is a key."""

_names: dict[str | bytes, str] = {}
_keyed: dict[str, str] = {}
"""Names, as they are written, of commands of one word whose first argument alone is a key."""


def read_command(arguments: tuple[Any, ...]) -> tuple[str, str]:
    """Return `command_name` and `mask_command` of a command; quicker than one after the other. Never raises."""
    count = len(arguments) - 2
    if 0 <= count < _MOST_ARGUMENTS:
        first, key = arguments[0], arguments[1]
        name = _keyed.get(first) if type(first) is str else None
        if name is not None and type(key) is str and len(key) <= _LONGEST_ARGUMENT and key.isprintable():
            return name, f"{name} {key}{_MARKS[count]}"
    name = command_name(arguments)
    return name, mask_command(arguments, name)


def command_name(arguments: tuple[Any, ...]) -> str:
    """Return a command's name in upper case, with its subcommand where it has some: `GET`, `CONFIG GET`. Never raises."""
    if not arguments:
        return ""
    first = arguments[0]
    kind = type(first)
    if kind is not str and kind is not bytes:
        return _UNKNOWN if not isinstance(first, (str, bytes)) else command_name((_exact(first), *arguments[1:]))
    name = _names.get(first) or _learn(first)
    if name in SUBCOMMANDS and len(arguments) > 1:
        second = arguments[1]
        if isinstance(second, (str, bytes)):
            subcommand = _text(_exact(second)[:_LONGEST_NAME]).upper()
            if subcommand in SUBCOMMANDS[name]:
                return f"{name} {subcommand}"
    return name


def mask_command(arguments: tuple[Any, ...], name: str = "") -> str:
    """Return a command as `redis-cli` would show it, its values masked: `SET user:1 ?`. Never raises.

    `name` is what `command_name` returned, where it was asked already.
    """
    name = name or command_name(arguments)
    rest = arguments[1:]
    if " " in name and " " not in _text(arguments[0]):
        rest = arguments[2:]
    if not rest:
        return name
    shape = SHAPES.get(name)
    if shape is None:
        shape = module_shape(name)
    if shape == 1:
        return f"{name} {_argument(rest[0])}{_MARKS[len(rest) - 1] if len(rest) < _MOST_ARGUMENTS else _MANY_MARKS}"
    return _shown(name, shape, rest)


def mask_memcached(arguments: tuple[Any, ...]) -> str:
    """Return a command of memcached as its text protocol has it, its values masked: `set user:1 ? ?`. Never raises."""
    first = arguments[0] if arguments else ""
    if (type(first) is str or type(first) is bytes) and 1 < len(arguments) <= _FEW:
        name, key = _keyed_memcached.get((first, len(arguments)), ""), arguments[1]
        if type(key) is bytes and key.isascii():
            key = key.decode()
        if name and type(key) is str and len(key) <= _LONGEST_ARGUMENT and key.isprintable():
            return f"{name} {key}{_MARKS[len(arguments) - 2]}"
    name = _text(_exact(first)[:_LONGEST_NAME]).lower() if isinstance(first, (str, bytes)) else ""
    if name not in MEMCACHED_SHAPES:
        name = _UNKNOWN
    return _shown(name, MEMCACHED_SHAPES.get(name, 0), arguments[1:])


def _shown(name: str, shape: int | str, rest: tuple[Any, ...]) -> str:
    shown = rest[:_MOST_ARGUMENTS]
    kept = _kept(len(shown), shape, shown)
    parts = [name, *(_argument(value) if index in kept else "?" for index, value in enumerate(shown))]
    if len(rest) > _MOST_ARGUMENTS:
        parts.append("...")
    return " ".join(parts)


def _kept(count: int, shape: int | str, rest: tuple[Any, ...]) -> range | frozenset[int]:
    """Return the positions of the arguments that stay."""
    if isinstance(shape, int):
        return range(min(shape, count))
    if shape == "pairs":
        return range(0, count, 2)
    if shape == "fields":
        return _FIELDS if count > 1 else range(1)
    if shape == "streams":
        words = [_argument(value).upper() for value in rest]
        start = words.index("STREAMS") + 1 if "STREAMS" in words else count
        return range(start, start + (count - start) // 2)
    if shape.startswith("after:"):
        return range(int(shape[6:]), count)
    return keys_after_count(shape, [_argument(value) for value in rest])


def _learn(first: str | bytes) -> str:
    """Remember a name; names beyond the bound, or that are none, are all called the same."""
    name = " ".join(_text(first[:_LONGEST_NAME]).upper().split())
    word, _, subcommand = name.partition(" ")
    if not (subcommand in SUBCOMMANDS.get(word, ()) if subcommand else _NAME.fullmatch(word)):
        return _UNKNOWN
    if len(_names) >= _MOST_NAMES:
        return name if name in SHAPES else _UNKNOWN
    _names[first] = name
    if name not in SUBCOMMANDS and SHAPES.get(name) == 1 and isinstance(first, str):
        _keyed[first] = name
    return name


def _exact(value: str | bytes) -> Any:  # noqa: ANN401 - what a subclass really holds
    return str.__str__(value) if isinstance(value, str) else bytes.__getitem__(value, slice(None))


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _argument(value: object) -> str:
    """Return a key or a field as one printable word, shortened; a foreign object is masked."""
    if type(value) is str and len(value) <= _LONGEST_ARGUMENT and value.isprintable():
        return value
    if isinstance(value, (str, bytes)):
        text = _text(_exact(value)[:_MOST_READ])
    elif isinstance(value, bytearray):
        text = bytes(value[:_MOST_READ]).decode("utf-8", "replace")
    elif type(value) is int and value.bit_length() <= _LONGEST_ARGUMENT:
        text = str(value)
    else:
        return "?"
    if len(text) > _LONGEST_ARGUMENT:
        text = cut(text, _LONGEST_ARGUMENT) + "..."
    return text if text.isprintable() else text.encode("unicode_escape", "replace").decode("ascii")
