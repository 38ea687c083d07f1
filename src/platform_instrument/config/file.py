"""`PLATFORM_CONFIG_FILE`: the same settings as a tree, in YAML or TOML.

The keys on the way to a value, joined by `_`, are the variable's name, in whichever case and however deep:
`otel: {traces: {sampler: always_on}}` is `OTEL_TRACES_SAMPLER=always_on`. A list stands for its items separated by
commas, a mapping under `OTEL_RESOURCE_ATTRIBUTES` or `…_HEADERS` for its `key=value` pairs. Never raises.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from platform_instrument.config.kinds import HEADERS, PAIRS
from platform_instrument.config.problem import ConfigProblem, quoted
from platform_instrument.config.schema import setting_of
from platform_instrument.config.suggestions import closest, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "PLATFORM_CONFIG_FILE"
_MOST_CHARACTERS = 1 << 16
"""The service waits for it: YAML takes some 20 µs a character at worst."""
_MOST_KEYS = 1_000
_LONGEST_NAME = 200
_MOST_UNKNOWN = 20
_NOT_IN_FILE = frozenset(("PLATFORM_AUTO", VARIABLE))
"""They are needed before the file is read."""
_REMEDY = "write a text, a number, true or false, or a list of them without commas"


class _UnreadableError(Exception):
    """The file cannot be used: why, and what to do about it."""

    def __init__(self, why: str, remedy: str = "mend the file, or remove the variable") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


def entries(path: str) -> tuple[list[tuple[str, str]], list[ConfigProblem]]:
    """Return variables and their texts as the file has them, and what is wrong with the file."""
    try:
        tree = _parsed(path, _content(path))
        return _flat(tree)
    except _UnreadableError as reason:
        problem = ConfigProblem(VARIABLE, quoted(path), reason.why, used="", remedy=reason.remedy)
        return [], [problem]


def unknown_keys(names: Sequence[str]) -> list[ConfigProblem]:
    """Return the problems of keys that are no settings: of the first ones each, of the rest how many they are."""
    problems = [unknown(name, "in the file ", closest(name)) for name in names[:_MOST_UNKNOWN]]
    more = len(names) - _MOST_UNKNOWN
    if more > 0:
        remedy = "see `platform-instrument config` for the names there are"
        problems.append(ConfigProblem(VARIABLE, "", f"has {more} more keys that are no settings", used="", remedy=remedy))
    return problems


def _content(path: str) -> str:
    """Return the text of a regular file; a pipe might never begin, or never end."""
    try:
        if not os.path.isfile(path):
            raise _UnreadableError("is not a file", "write the path of a file, or remove the variable")
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(_MOST_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        raise _UnreadableError(f"cannot be read ({type(error).__name__})") from error
    if len(text) > _MOST_CHARACTERS:
        raise _UnreadableError(f"is longer than {_MOST_CHARACTERS} characters")
    return text


def _parsed(path: str, text: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return the tree in a TOML or YAML file."""
    kind = os.path.splitext(path)[1].lower()
    if kind == ".toml":
        return _toml(text)
    if kind in {".yaml", ".yml"}:
        return _yaml(text)
    raise _UnreadableError("is neither .toml nor .yaml", "give the file one of these endings")


def _toml(text: str) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        tomllib = import_module("tomllib")
    except ImportError as error:
        raise _UnreadableError("is TOML, which needs Python 3.11", "write it in YAML, or use Python 3.11 or later") from error
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _UnreadableError(f"is not TOML ({_place(error)})") from error


def _yaml(text: str) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        import yaml
    except ImportError as error:
        raise _UnreadableError("is YAML, which needs PyYAML", "install PyYAML, or write it in TOML") from error

    class Loader(yaml.SafeLoader):
        """Without `<<`, by which ten lines make more pairs than a machine can hold."""

        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
                raise _UnreadableError("holds a merge key (<<)", "write the merged keys out")

    try:
        return yaml.load(text, Loader)  # noqa: S506 - it is a safe loader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise _UnreadableError(f"is not YAML ({_place(error)})") from error


def _place(error: Exception) -> str:
    """Return where a parser stopped, without what it read there: that may be a secret."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"line {mark.line + 1}, column {mark.column + 1}"
    place = str(error).rpartition("(")[2].rstrip(")")
    return place if place.startswith("at ") else type(error).__name__


def _flat(tree: Any) -> tuple[list[tuple[str, str]], list[ConfigProblem]]:  # noqa: ANN401 - whatever the file holds
    """Return the tree as variables and texts; bounded, for YAML can hold a tree that contains itself."""
    found: list[tuple[str, str]] = []
    problems: list[ConfigProblem] = []
    if tree is not None and not isinstance(tree, dict):
        raise _UnreadableError("does not hold keys and values")
    waiting: list[tuple[str, Any]] = [("", tree or {})]
    while waiting:
        name, value = waiting.pop()
        if len(waiting) + len(found) + len(problems) > _MOST_KEYS or len(name) > _LONGEST_NAME:
            raise _UnreadableError(f"holds more than {_MOST_KEYS} keys, or one of more than {_LONGEST_NAME} characters")
        setting = setting_of(name)
        if isinstance(value, dict) and (setting is None or setting.kind not in (PAIRS, HEADERS)):
            waiting += [(_joined(name, key), child) for key, child in reversed(value.items())]
            continue
        text = _text(value)
        if name in _NOT_IN_FILE:
            problems.append(ConfigProblem(name, "", "has no effect in the file", used="", remedy="set it in the environment"))
        elif text is None:
            problems.append(ConfigProblem(name, "", "in the file holds what no variable can", used="", remedy=_REMEDY))
        else:
            found.append((name, text))
    return found, problems


def _joined(name: str, key: object) -> str:
    part = (_scalar(key) or "?").upper().replace("-", "_").replace(".", "_")
    return f"{name}_{part}" if name else part


def _text(value: Any) -> str | None:  # noqa: ANN401 - whatever the file holds
    """Return a value as the environment would have it, None where it cannot."""
    if isinstance(value, dict):
        texts = [_pair(_scalar(key), _scalar(item)) for key, item in value.items()]
    elif isinstance(value, list):
        texts = [_scalar(item) for item in value]
    else:
        return _scalar(value)
    if any(text is None or "," in text for text in texts):
        return None
    return ",".join(text for text in texts if text is not None)


def _pair(key: str | None, item: str | None) -> str | None:
    if not key or "=" in key or item is None:
        return None
    return f"{key}={quote(item, safe='', errors='replace')}"


def _scalar(value: Any) -> str | None:  # noqa: ANN401 - whatever the file holds
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return None if isinstance(value, (dict, list, tuple, set, bytes)) else str(value)
    except ValueError:  # a whole number of more digits than Python prints
        return None
