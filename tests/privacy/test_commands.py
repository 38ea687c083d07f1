from __future__ import annotations

from typing import Any

import pytest

from platform_instrument.privacy import commands
from platform_instrument.privacy.commands import command_name, mask_command

SECRET = "hunter2secret"


@pytest.mark.parametrize(
    ("arguments", "name", "text"),
    [
        (("GET", "user:1"), "GET", "GET user:1"),
        (("get", b"user:1"), "GET", "GET user:1"),
        (("SET", "user:1", SECRET), "SET", "SET user:1 ?"),
        (("SET", "user:1", SECRET, "EX", 60), "SET", "SET user:1 ? ? ?"),
        (("MSET", "a", SECRET, "b", SECRET), "MSET", "MSET a ? b ?"),
        (("HSET", "h", "f", SECRET, "g", SECRET), "HSET", "HSET h f ? g ?"),
        (("HGETALL", "h"), "HGETALL", "HGETALL h"),
        (("DEL", "a", "b"), "DEL", "DEL a b"),
        (("EVAL", SECRET, 2, "a", "b", SECRET), "EVAL", "EVAL ? 2 a b ?"),
        (("EVAL", SECRET, SECRET), "EVAL", "EVAL ? ?"),
        (("AUTH", "user", SECRET), "AUTH", "AUTH ? ?"),
        (("HELLO", 3, "AUTH", "user", SECRET), "HELLO", "HELLO ? ? ? ?"),
        (("MIGRATE", "h", 1, "k", 0, 1, "AUTH", SECRET), "MIGRATE", "MIGRATE ? ? ? ? ? ? ?"),
        (("ACL SETUSER", "user", f">{SECRET}"), "ACL SETUSER", "ACL SETUSER ? ?"),
        (("ACL", "SETUSER", "user", f">{SECRET}"), "ACL SETUSER", "ACL SETUSER ? ?"),
        (("CONFIG SET", "requirepass", SECRET), "CONFIG SET", "CONFIG SET requirepass ?"),
        ((b"config", b"set", b"requirepass", SECRET), "CONFIG SET", "CONFIG SET requirepass ?"),
        (("CONFIG", "GET", "maxmemory"), "CONFIG GET", "CONFIG GET maxmemory"),
        (("XGROUP CREATE", "s", "g", "$"), "XGROUP CREATE", "XGROUP CREATE s ? ?"),
        (("XADD", "s", "*", "f", SECRET), "XADD", "XADD s ? ? ?"),
        (("XREAD", "COUNT", 2, "STREAMS", "s", "t", "0", "0"), "XREAD", "XREAD ? ? ? s t ? ?"),
        (("ZUNIONSTORE", "d", 2, "a", "b", "WEIGHTS", 1, 2), "ZUNIONSTORE", "ZUNIONSTORE ? 2 a b ? ? ?"),
        (("PUBLISH", "channel", SECRET), "PUBLISH", "PUBLISH channel ?"),
        (("JSON.SET", "doc", "$", SECRET), "JSON.SET", "JSON.SET doc ? ?"),
        (("SHINY", SECRET), "SHINY", "SHINY ?"),
        (("PING",), "PING", "PING"),
        ((), "", ""),
    ],
)
def test_keys_stay_and_values_are_masked(arguments: tuple[Any, ...], name: str, text: str) -> None:
    assert (command_name(arguments), mask_command(arguments)) == (name, text)


@pytest.mark.parametrize(
    "arguments",
    [
        (SECRET + " is not a command",),
        (f"GET {SECRET}", "k"),
        (f"CONFIG {SECRET}", "k"),
        ("CONFIG", SECRET),
        (f"G\n{SECRET}",),
        (b"\xff\xfe", SECRET),
        (None, SECRET),
        ([SECRET], SECRET),
        ("GET", [SECRET]),
        ("GET", object()),
        ("EVAL", "x", b"9" * 10_000, SECRET),
    ],
)
def test_hostile_commands_neither_raise_nor_leak(arguments: tuple[Any, ...]) -> None:
    assert SECRET.upper() not in command_name(arguments).upper()
    assert SECRET.upper() not in mask_command(arguments).upper()


def test_a_command_of_any_length_is_bounded() -> None:
    assert len(mask_command(("SADD", "k", *["v"] * 100_000))) < 100
    assert len(mask_command(("DEL", *["k" * 10_000] * 100_000))) < 3_000
    assert len(mask_command(("GET", b"k" * 10_000_000))) < 200


def test_a_pipeline_keeps_one_line_a_command() -> None:
    assert "\n" not in mask_command(("GET", "a\nSET b"))
    assert mask_command(("GET", "\ud800")) == "GET \\ud800"


def test_unknown_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_names", {})
    names = {command_name((f"CMD{number}",)) for number in range(5_000)}
    assert len(names) <= commands._MOST_NAMES + 1
    assert "_OTHER" in names
    assert command_name(("ZADD", "k")) == "ZADD"
