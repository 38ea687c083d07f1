"""`PLATFORM_CONFIG_FILE`: the same settings as a tree, in YAML or TOML.

The keys on the way to a value, joined by `_`, are the variable's name, in whichever case and however deep:
`otel: {traces: {sampler: always_on}}` is `OTEL_TRACES_SAMPLER=always_on`. A list stands for its items separated by
commas, a mapping under `OTEL_RESOURCE_ATTRIBUTES` or `…_HEADERS` for its `key=value` pairs. Never raises.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

from platform_instrument.config.kinds import HEADERS, PAIRS
from platform_instrument.config.problem import ConfigProblem, quoted
from platform_instrument.config.schema import setting_of
from platform_instrument.config.suggestions import closest, unknown

VARIABLE = "PLATFORM_CONFIG_FILE"
_MOST_CHARACTERS = 1 << 20
_MOST_KEYS = 5_000
_MOST_PARTS = 50
_REMEDY = "write a text, a number, true or false, or a list of them without commas"


class _Unreadable(Exception):
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
    except _Unreadable as reason:
        problem = ConfigProblem(VARIABLE, quoted(path), reason.why, used="", remedy=reason.remedy)
        return [], [problem]


def unknown_key(name: str) -> ConfigProblem:
    """Return the problem of a key that is no setting."""
    return unknown(name, "in the file ", closest(name))


def _content(path: str) -> str:
    """Return the text of a regular file; a pipe might never begin, or never end."""
    try:
        if not os.path.isfile(path):
            raise _Unreadable("is not a file", "write the path of a file, or remove the variable")
        with open(path, encoding="utf-8") as file:
            text = file.read(_MOST_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        raise _Unreadable(f"cannot be read ({type(error).__name__})") from error
    if len(text) > _MOST_CHARACTERS:
        raise _Unreadable(f"is longer than {_MOST_CHARACTERS} characters")
    return text


def _parsed(path: str, text: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return the tree in a TOML or YAML file."""
    kind = os.path.splitext(path)[1].lower()
    if kind == ".toml":
        return _toml(text)
    if kind in {".yaml", ".yml"}:
        return _yaml(text)
    raise _Unreadable("is neither .toml nor .yaml", "give the file one of these endings")


def _toml(text: str) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        import tomllib
    except ImportError as error:
        raise _Unreadable("is TOML, which needs Python 3.11", "write it in YAML, or use Python 3.11 or later") from error
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _Unreadable(f"is not TOML ({_first_line(error)})") from error


def _yaml(text: str) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        import yaml
    except ImportError as error:
        raise _Unreadable("is YAML, which needs PyYAML", "install PyYAML, or write it in TOML") from error
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _Unreadable(f"is not YAML ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
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
        raise _Unreadable("does not hold keys and values")
    waiting: list[tuple[str, Any]] = [("", tree or {})]
    while waiting:
        name, value = waiting.pop()
        if len(waiting) + len(found) > _MOST_KEYS or name.count("_") > _MOST_PARTS:
            raise _Unreadable(f"holds more than {_MOST_KEYS} keys, or keys too deep")
        setting = setting_of(name)
        if isinstance(value, dict) and (setting is None or setting.kind not in (PAIRS, HEADERS)):
            waiting += [(_joined(name, key), child) for key, child in reversed(value.items())]
            continue
        text = _text(value)
        if text is None:
            problems.append(ConfigProblem(name, "", "in the file holds what no variable can", used="", remedy=_REMEDY))
        else:
            found.append((name, text))
    return found, problems


def _joined(name: str, key: object) -> str:
    part = str(key).upper().replace("-", "_").replace(".", "_")
    return f"{name}_{part}" if name else part


def _text(value: Any) -> str | None:  # noqa: ANN401 - whatever the file holds
    """Return a value as the environment would have it, None where it cannot."""
    if isinstance(value, dict):
        pairs = {str(key): _scalar(item) for key, item in value.items()}
        texts = [None if item is None else f"{key}={quote(item, safe='', errors='replace')}" for key, item in pairs.items()]
    elif isinstance(value, list):
        texts = [_scalar(item) for item in value]
    else:
        return _scalar(value)
    if any(text is None or "," in text for text in texts):
        return None
    return ",".join(text for text in texts if text is not None)


def _scalar(value: Any) -> str | None:  # noqa: ANN401 - whatever the file holds
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if isinstance(value, (dict, list, set, bytes)) else str(value)
