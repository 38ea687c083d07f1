"""What Redis commands are called together, and which code an error carries."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from platform_instrument.semantics.redis import procedure, redis_failure, together


def test_equal_commands_name_what_is_sent_together() -> None:
    assert together([("GET", "a"), ("GET", "b")], ["GET", "GET"], transaction=False)[0] == "PIPELINE GET"
    assert together([("GET", "a"), ("SET", "b", "s3cret")], ["GET", "SET"], transaction=True)[0] == "MULTI"


def test_values_never_reach_the_text_and_only_two_are_a_batch() -> None:
    _, attributes = together([("SET", "cart", "s3cret"), ("SET", "cart", "s3cret")], ["SET", "SET"], transaction=False)
    assert attributes == {"db.query.text": "SET cart ?\nSET cart ?", "db.operation.batch.size": 2}
    assert together([("SET", "cart", "s3cret")], ["SET"], transaction=False)[1] == {"db.query.text": "SET cart ?"}


def test_a_long_pipeline_has_a_short_text_and_its_true_size() -> None:
    _, attributes = together([("GET", "cart")] * 5_000, ["GET"] * 5_000, transaction=False)
    assert attributes["db.operation.batch.size"] == 5_000
    assert len(attributes["db.query.text"]) < 500


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("FCALL", "checkout", 0), "checkout"),
        (("EVALSHA", b"c664a3bf70bd1d45c4284ffebb65a6f2299bfc9f", 0), "c664a3bf70bd1d45c4284ffebb65a6f2299bfc9f"),
        (("FCALL",), ""),
        (("FCALL", 7), ""),
        (("FCALL", "x" * 5_000), "x" * 64),
    ],
)
def test_a_procedure_is_named_by_the_first_argument(arguments: tuple[Any, ...], name: str) -> None:
    assert procedure(arguments) == name


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (redis.ResponseError("WRONGTYPE Operation against a key"), "WRONGTYPE"),
        (redis.ResponseError("unknown command 'FOO'"), "ERR"),
        (redis.ResponseError("Command # 1 (GET cart) of pipeline caused error: WRONGTYPE Operation"), "WRONGTYPE"),
        (redis.ResponseError(), "ERR"),
        (redis.exceptions.NoScriptError("No matching script."), "NOSCRIPT"),
        (redis.exceptions.ReadOnlyError("You can't write"), "READONLY"),
        (redis.exceptions.BusyLoadingError("loading"), "LOADING"),
        (redis.exceptions.AuthenticationError("invalid username-password pair"), ""),
        (redis.ConnectionError("refused"), ""),
        (redis.WatchError("changed"), ""),
        (ValueError("ERR x"), ""),
    ],
)
def test_the_server_s_prefix_is_status_and_type(error: BaseException, code: str) -> None:
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    assert redis_failure(error) == ({"db.response.status_code": code, "error.type": code} if code else {"error.type": name})
