"""Texts that hold what must not leave: URLs, SQL of every dialect, commands of Redis and memcached; planted values are gone."""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import strategies as st

from platform_instrument.engine.outbound import place_of
from platform_instrument.privacy.commands import command_name, mask_command, mask_memcached, read_command
from platform_instrument.privacy.sql import known_sql
from platform_instrument.privacy.sql_dialects import DIALECTS
from platform_instrument.privacy.text import mask_attribute
from tests.fuzz.fuzzing import ANY, fuzzed, texts
from tests.privacy.test_sql_generated import NUMBER, SYSTEMS, TEXT, statements

PASSWORD = "zq7Secret9"
PLAIN = st.text("abcxyz0189._~-", max_size=12)
URLS = texts(
    "http://", "https://", "user:", "@", "shop", "[::1]", ":80", "/", "?", "&", "=", "#", "password=", "token=", "%40", "//"
)


@fuzzed(URLS)
def test_any_url_is_masked_once_and_for_all(url: str) -> None:
    masked = mask_attribute("url.full", url)
    assert len(masked) <= 2 * len(url) + 64
    assert mask_attribute("url.full", masked) == masked


@fuzzed(st.tuples(st.sampled_from(["http", "https", "postgresql", "redis", "amqp"]), PLAIN, PLAIN, URLS))
def test_no_password_and_no_secret_parameter_of_a_url_survives(case: tuple[str, str, str, str]) -> None:
    scheme, user, host, rest = case
    tail = "".join(rest.split())[:2_000]
    for url in (
        f"{scheme}://{user}:{PASSWORD}@{host}.internal:80/{tail}",
        f"{scheme}://{host}.internal/?password={PASSWORD}&{tail}",
        f"{scheme}://{host}.internal/a?b={user}&access_token={PASSWORD}#{tail}",
    ):
        assert PASSWORD not in mask_attribute("url.full", url), url


@fuzzed(st.tuples(PLAIN.filter(bool), st.integers(1, 65_535), texts("/", "?", "#", "a")))
def test_the_place_of_a_url_is_that_of_the_client(case: tuple[str, int, str]) -> None:
    host, port, rest = case
    assert place_of(f"http://{host}:{port}/{rest}") == (host, port)


@fuzzed(st.sampled_from(SYSTEMS).flatmap(lambda system: st.tuples(st.just(system), statements(system))))
def test_no_literal_of_a_statement_survives(case: tuple[str, tuple[str, list[str]]]) -> None:
    system, (text, _) = case
    for dialect in (system, ""):
        statement = known_sql(text, dialect)
        assert TEXT not in statement.text + statement.summary
        assert NUMBER not in statement.text + statement.summary


QUOTES = texts(
    *(
        "SELECT ",
        "FROM ",
        "INSERT INTO ",
        "VALUES (",
        "WITH a AS (",
        "IN (",
        "'",
        "''",
        '"',
        "`",
        "[",
        "]",
        "$$",
        "$a$",
        "q'[",
        "]'",
    ),
    *(
        "E'",
        "U&'",
        "N'",
        "/*",
        "*/",
        "/*!",
        "--",
        "#",
        "//",
        "\\'",
        "(",
        ")",
        "{",
        "}",
        ";",
        "1",
        "-7",
        "0x1F",
        "1e9",
        ":a",
        "$1",
        "?",
    ),
    *("PASSWORD ", "IDENTIFIED BY ", "COPY ", "SET ", "EXEC "),
)


@fuzzed(st.tuples(st.sampled_from(["", *DIALECTS]), QUOTES))
def test_any_statement_of_any_dialect_is_read_in_bounds(case: tuple[str, str]) -> None:
    system, text = case
    statement = known_sql(text, system)
    assert len(statement.text) <= len(text) + 8
    assert len(statement.summary) <= 255
    assert known_sql(statement.text, system).text == statement.text


@fuzzed(st.tuples(QUOTES, st.sampled_from(["", *DIALECTS])))
def test_a_literal_before_any_remainder_is_gone(case: tuple[str, str]) -> None:
    rest, system = case
    assert PASSWORD not in known_sql(f"SELECT a FROM t WHERE b = '{PASSWORD}' AND {rest}", system).text


WORDS = st.sampled_from(
    [*("GET", "SET", "MSET", "HSET", "XADD", "XREAD", "EVAL", "AUTH", "HELLO", "CONFIG", "ACL", "CLIENT", "MIGRATE", "SORT", "get", "G E T"),
     *("ZUNIONSTORE", "FT.SEARCH", "JSON.SET", "GEORADIUS", "OBJECT", "SCRIPT", "CONFIG GET", "ACL SETUSER", "set", "cas", "incr", "stats")]
)  # fmt: skip
ARGUMENT = ANY | texts("key", "STREAMS", "BLOCK", "2", "AUTH") | st.binary(max_size=300) | st.integers() | st.floats() | st.none()
COMMANDS = st.tuples(WORDS | WORDS.map(str.encode) | ARGUMENT, st.lists(ARGUMENT, max_size=20)).map(
    lambda each: (each[0], *each[1])
)


@fuzzed(COMMANDS, ())
def test_any_command_is_one_short_line(arguments: tuple[Any, ...]) -> None:
    name = command_name(arguments)
    shown = mask_command(arguments)
    assert read_command(arguments) == (name, shown)
    assert len(name) <= 65
    for text in (shown, mask_memcached(arguments)):
        assert len(text) <= 16 * 1_600
        assert text.isprintable()


SECRET_PLACES = (
    ("SET", "key", PASSWORD), ("AUTH", PASSWORD), ("AUTH", "user", PASSWORD), ("HELLO", "3", "AUTH", "user", PASSWORD),
    ("HSET", "key", "field", PASSWORD), ("MSET", "a", PASSWORD, "b", PASSWORD), ("CONFIG", "SET", "requirepass", PASSWORD),
    ("ACL", "SETUSER", "user", f">{PASSWORD}"), ("EVAL", f"return '{PASSWORD}'", "0"), ("LPUSH", "key", PASSWORD),
    ("MIGRATE", "host", "6379", "key", "0", "1000", "AUTH", PASSWORD), (PASSWORD, "key"), ("UNHEARDOF", PASSWORD),
)  # fmt: skip


@fuzzed(
    st.tuples(
        st.sampled_from(SECRET_PLACES),
        st.lists(ARGUMENT, max_size=4),
        st.booleans(),
        st.sampled_from([str, str.lower, str.encode]),
    )
)
def test_no_value_of_a_command_survives(case: tuple[tuple[str, ...], list[Any], bool, Any]) -> None:
    words, more, batched, written = case
    arguments = (written(words[0]), *words[1:], *more)
    show = partial(mask_command, arguments)
    shown = read_command(arguments)[1] if batched else show()
    assert PASSWORD not in shown
    assert PASSWORD.lower() not in shown
