"""What real databases say of what they refuse: no value of a statement, a row or a command is in it once it is masked."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql
import pytest
import redis
from sqlalchemy.engine import make_url

from platform_instrument.privacy import mask, mask_attribute

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "zq7marker"


def refusal(execute: Callable[..., Any], *arguments: Any) -> Exception:
    """Return the error that a call ends with."""
    with pytest.raises(Exception, match=r".") as caught:
        execute(*arguments)
    return caught.value


def forms(error: Exception) -> dict[str, str]:
    """Return the writings in which an error meets a log line or an attribute."""
    text = str(error)
    return {
        "text": text,
        "repr": repr(error),
        "log line": f"while saving: {text}",
        "stack": f'Traceback (most recent call last):\n  File "a.py"\nerrors.E: {text}\n\nDuring handling of the above exception:\n',
        "document": json.dumps({"message": text, "level": "ERROR", "tags": ["a", "b"]}),
        "nested": json.dumps({"message": json.dumps({"e": text}), "level": "ERROR"}),
    }  # fmt: skip


def check(error: Exception) -> None:
    """Fail where a writing of an error, masked, holds the value, is masked again, or has lost what is not of the error."""
    for form, text in forms(error).items():
        for masked in (mask(text), mask_attribute("exception.message", text)):
            assert SECRET not in masked, (form, text)
            assert mask(masked) == masked, form
            if form in {"document", "nested"}:
                assert json.loads(masked)["level"] == "ERROR"
            if form == "stack":
                assert masked.endswith("\n\nDuring handling of the above exception:\n")


@pytest.mark.parametrize(
    "statement",
    [
        f"insert into t values (1, 'a) b\n{SECRET}', null)",
        f"insert into t values (1, '{SECRET * 5}', null)",
        f"insert into t values (null, 'line\n{SECRET}', null)",
        f"insert into t values (7, 'x', '{SECRET}')",
        f"select '{SECRET}'::int",
        f"select 1 where 'O'{SECRET}'",
        f"select '''{SECRET}",
        f"select 'x\n{SECRET}'::int, 1 fro t",
        f"select '{SECRET}'::date",
        f"select '2024-99-99 {SECRET}'::date",
        f"select '{{\"a\": {SECRET}}}'::json",
        f"select '{SECRET}'::int[]",
        f"select to_date('{SECRET}', 'YYYY')",
        f"select '{SECRET}'::inet",
        f"set datestyle = '{SECRET}'",
        f"do $$ begin execute 'select ''{SECRET}''::int'; end $$",
        "select " + "'x'," * 60 + f" '{SECRET}'::int" + ", 'y'" * 60,
        f"select 'aaa {'x' * 100} {SECRET}', nothing from t",
        f"select nothing('{SECRET}')",
        f"select cast('{SECRET}' as interval)",
    ],
)
def test_postgresql(postgres_url: str, statement: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create temp table o (name text primary key)")
        connection.execute("create temp table t (id int not null, email text check (length(email) < 40), name text references o)")
        connection.execute("create unique index on t (lower(email))")
        connection.execute("insert into t values (1, %s, null)", (f"a) b\n{SECRET}",))
        check(refusal(connection.execute, statement))


def test_postgresql_parameters_and_copies(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create temp table t (id int not null)")
        check(refusal(connection.execute, "insert into t values (%s)", (SECRET,)))
        with pytest.raises(psycopg.Error) as caught, connection.cursor().copy("copy t from stdin") as copy:
            copy.write(f"{SECRET}\n")
        check(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        f"insert into t (id, email) values (2, 'it''s\n{SECRET}')",
        f"insert into t (id, n) values (3, '{SECRET}')",
        f"insert into t (id, d) values (3, '{SECRET}')",
        f"select 1 fro '{SECRET}'",
        f"select 'O'{SECRET}'",
        f"select 'x' where 1 = 2 'many\nlines {SECRET}' or",
        f"update t set n = '{SECRET}' + 1",
        f"set sql_mode = '{SECRET}'",
        f"select 1 '{SECRET}",
    ],
)
def test_mariadb(mariadb_url: str, statement: str) -> None:
    url = make_url(mariadb_url)
    with pymysql.connect(host=url.host, port=url.port or 3306, user=url.username) as connection:
        cursor = connection.cursor()
        cursor.execute("create database if not exists telemetry_test")
        cursor.execute("use telemetry_test")
        cursor.execute("create temporary table t (id int primary key, email varchar(40) unique, n int, d datetime)")
        cursor.execute("insert into t (id, email) values (1, %s)", (f"it's\n{SECRET}",))
        check(refusal(cursor.execute, statement))


@pytest.mark.parametrize("statement", [f"select '{SECRET}", f"select 1 '{SECRET}' 'x' 'y'", f"select 'O'{SECRET}'"])
def test_sqlite(statement: str) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        check(refusal(connection.execute, statement))


@pytest.mark.parametrize(
    "command",
    [
        ("NONESUCH", SECRET, "it's"),
        ("EVAL", f"retu {SECRET}", 0),
        ("CONFIG", SECRET),
    ],
)
def test_redis(redis_url: str, command: tuple[Any, ...]) -> None:
    with redis.Redis.from_url(redis_url) as client:
        check(refusal(client.execute_command, *command))


def test_a_redis_pipeline(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client, client.pipeline(transaction=False) as pipeline:
        pipeline.set("zq7:key", "x")
        pipeline.lpush("zq7:key", SECRET)
        pipeline.delete("zq7:key")
        check(refusal(pipeline.execute))


@pytest.mark.parametrize(
    "text",
    [
        'he lives near "the old mill": a mile away',
        'the value "7" is right',
        "no such column: emial",
        'invalid option "--foo": see --help',
        'column "emial" does not exist',
        "unknown column 'emial' in 'where clause'",
        "a query: what is near 'by'",
    ],
)  # fmt: skip
def test_prose_and_names_of_columns_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f'invalid cidr value: "{SECRET}"\nDETAIL:  Value has bits set to right of mask.',
        f"duplicate key value violates unique constraint\nDETAIL:  Key (a)=({SECRET}) already exists.",
        f"null value\nDETAIL:  Failing row contains (1, {SECRET}).",
        f"[parameters: ({SECRET},)]",
        f"CONTEXT:  JSON data, line 1: {SECRET}",
        f"unknown command `FOO`, with args beginning with: `{SECRET}`, ",
        f"Command # 1 (SET k {SECRET}) of pipeline caused error: x",
        f"QUERY:  SELECT $x${SECRET}$x$",
        f"LINE 1: SELECT $x${SECRET}$x$",
    ],
)
def test_what_is_quoted_without_a_quotation_mark_goes_as_well(text: str) -> None:
    assert SECRET not in mask(text)
