from __future__ import annotations

from typing import Any

import pytest

from platform_instrument.privacy import commands
from platform_instrument.privacy.command_shapes import MEMCACHED_SHAPES, SHAPES
from platform_instrument.privacy.commands import command_name, mask_command, mask_memcached, read_command
from platform_instrument.privacy.text import mask_attribute

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
        (("EVAL", SECRET, 2, "a", "b", SECRET), "EVAL", "EVAL ? ? ? ? ?"),
        (("EVALSHA", "0" * 40, 1, "a", SECRET), "EVALSHA", "EVALSHA ? ? ? ?"),
        (("FCALL", "f", 1, "a", SECRET), "FCALL", "FCALL ? 1 a ?"),
        (("EVAL", SECRET, SECRET), "EVAL", "EVAL ? ?"),
        (("AUTH", "user", SECRET), "AUTH", "AUTH ? ?"),
        (("HELLO", 3, "AUTH", "user", SECRET), "HELLO", "HELLO ? ? ? ?"),
        (("MIGRATE", "h", 1, "k", 0, 1, "AUTH", SECRET), "MIGRATE", "MIGRATE ? ? ? ? ? ? ?"),
        (("ACL SETUSER", "user", f">{SECRET}"), "ACL SETUSER", "ACL SETUSER ? ?"),
        (("ACL", "SETUSER", "user", f">{SECRET}"), "ACL SETUSER", "ACL SETUSER ? ?"),
        (("CONFIG SET", "requirepass", SECRET), "CONFIG SET", "CONFIG SET ? ?"),
        ((b"config", b"set", b"requirepass", SECRET), "CONFIG SET", "CONFIG SET ? ?"),
        (("CLIENT", "SETNAME", SECRET), "CLIENT SETNAME", "CLIENT SETNAME ?"),
        (("SENTINEL", "SET", "m", "auth-pass", SECRET), "SENTINEL SET", "SENTINEL SET ? ? ?"),
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
    assert read_command(arguments) == (name, text)


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


@pytest.mark.parametrize(
    "arguments",
    [("AUTH", "a", SECRET), ("HELLO", 3, "AUTH", "a", SECRET), ("CONFIG", "SET", "a", SECRET), ("EVAL", SECRET, 1, "a"), ("EVAL_RO", SECRET, 0),
     ("MIGRATE", "h", 1, "", 0, 1, "AUTH2", "a", SECRET, "KEYS", "a"), ("ACL", "SETUSER", "a", SECRET), ("CLIENT", SECRET), ("SENTINEL", SECRET),
     ("SCRIPT", "LOAD", SECRET), ("FUNCTION", "LOAD", SECRET), ("MODULE", "LOADEX", "a", SECRET), ("FT.SEARCH", "a", SECRET), ("NOSUCH", "a", SECRET)],
)  # fmt: skip
def test_commands_that_carry_secrets_hide_all_arguments(arguments: tuple[Any, ...]) -> None:
    for given in (arguments, tuple(one.encode() if isinstance(one, str) else one for one in arguments)):
        name, *rest = mask_command(given).split(" ?")
        assert name == command_name(given)
        assert not any(rest)
        assert SECRET not in name


def test_every_shape_shows_keys_and_nothing_that_it_is_set_to() -> None:
    values = [name for name, shape in SHAPES.items() if shape in (1, 2, "pairs", "fields")]
    assert len(values) > 100
    for name in values:
        kept = SHAPES[name] if isinstance(SHAPES[name], int) else 1
        arguments = (*name.split(), *["k"] * int(kept), SECRET)
        if SHAPES[name] != "fields":
            assert SECRET not in mask_command(arguments), name


@pytest.mark.parametrize("key", ["user:bob@example.com", "card:4111111111111111", "session:password=hunter2secret"])
@pytest.mark.parametrize("command", ["GET", "SET", "COPY", "DEL", "HGETALL", "PUBLISH"])
def test_personal_data_in_a_key_does_not_leave(command: str, key: str) -> None:
    left = mask_attribute("db.query.text", mask_command((command, key, "x")))
    assert left.startswith(command)
    assert key.partition(":")[2] not in left
    assert "hunter2" not in left


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("get", "a", b"b"), "get a b"),
        ((b"gets", "a"), "gets a"),
        (("set", "a", 0, 60, 5, SECRET), "set a ? ? ? ?"),
        (("SET", "a", SECRET), "set a ?"),
        (("cas", "a", 0, 60, 5, 17, SECRET), "cas a ? ? ? ? ?"),
        (("incr", "a", 4711), "incr a ?"),
        (("gat", 60, "a", "b"), "gat ? a b"),
        (("ms", "a", "S5", SECRET), "ms a ? ?"),
        (("stats", SECRET), "stats ?"),
        (("version",), "version"),
        ((SECRET, SECRET), "_OTHER ?"),
        ((None, SECRET), "_OTHER ?"),
        ((), "_OTHER"),
        (("get", *["k" * 10_000] * 100), "get" + (" " + "k" * 128 + "...") * 16 + " ..."),
    ],
)
def test_commands_of_memcached_show_keys_alone(arguments: tuple[Any, ...], text: str) -> None:
    assert mask_memcached(arguments) == text


@pytest.mark.parametrize(
    "key", ["cart", b"cart", "a b\n", "\u00e9", "\u00e9".encode(), b"\xff", "x" * 128, b"x" * 129, "", 7, None]
)
@pytest.mark.parametrize("rest", [(), (None,), ("s3cret",), (0, "s3cret")])
def test_the_short_way_of_memcached_s_commands_leads_to_the_same_text(key: Any, rest: tuple[Any, ...]) -> None:
    for name in MEMCACHED_SHAPES:
        expected = mask_memcached((name.upper(), key, *rest))
        assert mask_memcached((name, key, *rest)) == mask_memcached((name.encode(), key, *rest)) == expected
