from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_instrument.privacy.commands import command_name, mask_command
from platform_instrument.privacy.sql import known_sql
from platform_instrument.privacy.text import mask_attribute
from tests.privacy.linear import assert_linear, cost

SYSTEMS = st.sampled_from(["", "mysql", "postgresql", "sqlite", "oracle.db", "microsoft.sql_server", "other_sql", "clickhouse"])
KEYS = st.sampled_from(
    ["x", "url.full", "url.query", "db.statement", "db.query.text", "exception.message", "session.id", "span.name"]
)
ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
PIECES = st.lists(
    st.sampled_from(
        [
            *"'\"`$()[]{};,.=:@?&#/\\-+ \n",
            *("''", "/*", "*/", "--", "$$", "$a$", "\\'", "q'[", "]'", "E'", "IN (", "1", "-7", "0x1F", "a", "SELECT ", "FROM "),
            *("INSERT INTO ", "PASSWORD ", "IDENTIFIED BY ", "WITH a AS (", "://", "password=", "token: ", "Bearer ", "a@b.co"),
            *(
                "***",
                "REDACTED",
                "eyJabcdef.abcdefgh.x",
                "[SQL: ",
                "[parameters: ",
                "Key (a)=(",
                "authorization: ",
                "é",
                "\ud800",
            ),
        ]
    ),
    max_size=40,
).map("".join)
STATEMENT_PIECES = st.lists(
    st.sampled_from(
        [
            *"'\"`$()[]{};,.=:@?&#/\\-+*! \n\r",
            *(
                "''",
                "'''",
                "/*",
                "*/",
                "/*!",
                "--",
                "-- ",
                "//",
                "$$",
                "$a$",
                "\\'",
                "q'[",
                "]'",
                "E'",
                "U&'",
                "N'",
                "_utf8'",
                "\u2018",
            ),
            *(
                "a",
                "b.co",
                "a@b.co",
                "1",
                "-7",
                "$1",
                "$12.5",
                ":a",
                "%s",
                "#>",
                "#t",
                "IN (",
                "SELECT ",
                "FROM ",
                "DISTINCT FROM ",
            ),
            *(
                "COPY ",
                "STDIN",
                "EXEC ",
                "PRAGMA key",
                "SET a.b ",
                "TO ",
                "KEY ",
                "ENCRYPTION ",
                "CONNECT ",
                "PASSWORD ",
                "IDENTIFIED ",
            ),
        ]
    ),
    max_size=30,
).map("".join)
TEXTS = ANY | PIECES
EXAMPLES = settings(max_examples=400, deadline=None)


@EXAMPLES
@given(TEXTS | STATEMENT_PIECES, SYSTEMS)
def test_any_sql_is_sanitized_once_and_for_all(text: str, system: str) -> None:
    statement = known_sql(text, system)
    assert len(statement.text) <= len(text) + 8
    assert len(statement.summary) <= 255
    assert known_sql(statement.text, system).text == statement.text


@EXAMPLES
@given(TEXTS, KEYS)
def test_any_attribute_is_masked_once_and_for_all(text: str, key: str) -> None:
    masked = mask_attribute(key, text)
    assert mask_attribute(key, masked) == masked


@EXAMPLES
@given(st.lists(ANY | st.binary(max_size=50) | st.integers() | st.none() | st.floats(), max_size=8))
def test_any_command_has_a_name_and_a_text(arguments: list[object]) -> None:
    assert len(command_name(tuple(arguments))) <= 65
    assert mask_command(tuple(arguments)).startswith(command_name(tuple(arguments)))


@EXAMPLES
@given(st.text(st.characters(exclude_characters="\\", exclude_categories=("Cs",)), max_size=60), SYSTEMS)
def test_no_string_of_a_well_formed_statement_survives(value: str, system: str) -> None:
    quoted = "zq7secret" + value.replace("'", "''")
    text = known_sql(f"SELECT a FROM t WHERE b = '{quoted}' AND c = 'zq7secret' LIMIT 5", system).text
    assert text == "SELECT a FROM t WHERE b = ? AND c = ? LIMIT ?"


@EXAMPLES
@given(PIECES, PIECES, st.text("abcdefghABCDEFGH0123456789_", min_size=8, max_size=30))
def test_a_named_secret_survives_nowhere(before: str, after: str, secret: str) -> None:
    secret = f"zq7{secret}9"
    for shape in (f'"password": "{secret}"', f"postgres://u:{secret}@h/x", f"Authorization: Bearer {secret}"):
        assert secret not in mask_attribute("message", f"{before}\n{shape}\n{after}"), shape


UNITS = (
    *("a", "a@", "a.", "://", "://a:b", "password=", 'password: "', "eyJa.", "=", "&a=", "[SQL: ", "LINE 1: ", "Key (a)=(", "-"),
    *("near '", "[parameters: ", "Bearer ", "x_", "-----BEGIN A-----", "authorization:", "%40", "@a.", '"\\', "token ", "\n"),
)
STATEMENTS = (
    "'",
    '"',
    "$a$",
    "/*",
    "--\n",
    "a.",
    "(",
    "1-",
    "[",
    "`",
    "q'[",
    "\\'",
    "{1-",
    " in (",
    "with a as (",
    "select ",
    "'a'",
)


@pytest.mark.parametrize("unit", UNITS)
def test_masking_takes_time_in_proportion_to_length(unit: str) -> None:
    assert_linear(partial(mask_attribute, "exception.message"), unit)


@pytest.mark.parametrize("system", ["postgresql", "mysql", "oracle.db", "microsoft.sql_server"])
def test_the_worst_statement_takes_milliseconds(system: str) -> None:
    def read(text: str) -> object:
        from platform_instrument.privacy.sql import _at_first_sight
        from platform_instrument.privacy.sql_dialects import DIALECTS

        return _at_first_sight(text, DIALECTS[system], 0, whole=True)

    for unit in STATEMENTS:
        assert cost(read, unit * (8_192 // len(unit))) < 0.25, unit
