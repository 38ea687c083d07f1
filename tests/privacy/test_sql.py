from __future__ import annotations

import gc
import pickle
from typing import Any

import pytest

from platform_instrument.privacy import sql
from platform_instrument.privacy.sql import known_sql
from platform_instrument.privacy.sql_dialects import DIALECTS, OTHER

SECRET = "hunter2secret"


@pytest.mark.parametrize(
    ("system", "text", "sanitized"),
    [
        ("postgresql", "SELECT * FROM t WHERE a = 'it''s' AND b=1", "SELECT * FROM t WHERE a = ? AND b=?"),
        ("postgresql", r"SELECT E'a\'b' , U&'x', B'01', x'1F'", "SELECT ? , ?, ?, ?"),
        ("postgresql", "SELECT $$a'b$$, $t$ c $$ d $t$, $1", "SELECT ?, ?, $1"),
        ("postgresql", 'SELECT "a b" FROM "t" WHERE x::int = %s', 'SELECT "a b" FROM "t" WHERE x::int = %s'),
        ("postgresql", "SELECT /* one /* two */ 'x' */ a -- z\nFROM t", "SELECT a FROM t"),
        ("postgresql", "SELECT a->0, b #>> '{x}', c @> '[1]' FROM t", "SELECT a->?, b #>> ?, c @> ? FROM t"),
        ("mysql", """SELECT "a\\"b", 'c\\'d', `e'f` # g\nFROM t""", "SELECT ?, ?, `e'f` FROM t"),
        ("mysql", "SELECT _utf8mb4'x', 0x1F, 1e-5, .5, -7, a-7", "SELECT _utf8mb4?, ?, ?, ?, ?, a-?"),
        ("sqlite", 'SELECT * FROM "order" WHERE a = "x"', 'SELECT * FROM "order" WHERE a = ?'),
        ("sqlite", 'INSERT INTO "t" ("a", "b") VALUES ("x", ?2)', 'INSERT INTO "t" ("a", "b") VALUES (?, ?2)'),
        ("sqlite", 'UPDATE "t" SET "a" = "x", "b" = :b', 'UPDATE "t" SET "a" = ?, "b" = :b'),
        ("microsoft.sql_server", "SELECT [it's] FROM #tmp WHERE n = N'x' AND c = $12.50", "SELECT [it's] FROM #tmp WHERE n = ? AND c = $?"),
        ("oracle.db", "SELECT q'[it's]', nq'!a'b!' FROM v$session WHERE x = :1", "SELECT ?, ? FROM v$session WHERE x = :1"),
        ("other_sql", 'SELECT "x", "a"."b" FROM [my t]', 'SELECT ?, "a"."b" FROM [my t]'),
        ("other_sql", "SELECT 123-45-6789, 1/2", "SELECT ?, ?/?"),
        ("other_sql", "SELECT TRUE, false, NULL", "SELECT ?, ?, NULL"),
        ("other_sql", "a = f1234567-89ab-cdef-0123-456789abcdef", "a = ?"),
        ("other_sql", "a = {01234567-89ab-cdef-0123-456789abcdef}", "a = ?"),
        ("other_sql", "a IN (1, 2,3) AND b in ( 'x' ) AND c IN (%s, %s) AND d IN (e, 1)", "a IN (?) AND b in (?) AND c IN (?) AND d IN (e, ?)"),
        ("other_sql", "INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT INTO t VALUES (?, ?), (?, ?)"),
        ("other_sql", "SELECT\n\t  a\n FROM t", "SELECT a FROM t"),
    ],
)  # fmt: skip
def test_literals_become_question_marks_and_everything_else_stays(system: str, text: str, sanitized: str) -> None:
    assert known_sql(text, system).text == sanitized


@pytest.mark.parametrize(
    ("text", "sanitized"),
    [
        (f"CREATE USER u PASSWORD {SECRET}", "CREATE USER u PASSWORD ?"),
        (f"ALTER USER u IDENTIFIED BY {SECRET} REPLACE old; SELECT 1", "ALTER USER u IDENTIFIED BY ?; SELECT ?"),
        (f"CREATE LOGIN u WITH PASSWORD = {SECRET}", "CREATE LOGIN u WITH PASSWORD = ?"),
        ("SELECT password FROM users", "SELECT password FROM users"),
        ("CREATE TABLE users (password VARCHAR(255))", "CREATE TABLE users (password VARCHAR(?))"),
        ("ALTER USER u PASSWORD EXPIRE", "ALTER USER u PASSWORD EXPIRE"),
        ("GRANT SELECT (id, password) ON users TO u", "GRANT SELECT (id, password) ON users TO u"),
    ],
)
def test_passwords_without_quotes_are_masked_where_they_are_set(text: str, sanitized: str) -> None:
    assert known_sql(text, "oracle.db").text == sanitized


@pytest.mark.parametrize("system", ["", "mysql", "postgresql", "sqlite", "oracle.db", "microsoft.sql_server", "other_sql"])
@pytest.mark.parametrize(
    "text",
    [
        rf"SELECT * FROM t WHERE a='x\' AND b='{SECRET}'",
        rf"SELECT * FROM t WHERE a='x\'' AND b='{SECRET}'",
        rf"SELECT * FROM t WHERE a='x\''{SECRET}'",
        f"SELECT * FROM t WHERE a='x' AND b='{SECRET}",
        f"SELECT * FROM t WHERE a='x' AND b=$$ {SECRET}",
    ],
)
def test_quotes_that_can_be_read_in_two_ways_never_leak(system: str, text: str) -> None:
    assert SECRET not in known_sql(text, system).text


@pytest.mark.parametrize(
    ("text", "summary", "operation", "collection"),
    [
        ("SELECT * FROM songs, artists WHERE songs.a == artists.id", "SELECT songs artists", "SELECT", "songs"),
        ("INSERT INTO s (a) SELECT b FROM o WHERE x = ?", "INSERT s SELECT o", "INSERT", "s"),
        ("SELECT d FROM (SELECT * FROM o JOIN c ON o.a = c.a)", "SELECT SELECT o c", "SELECT", "o"),
        ("SELECT a FROM t JOIN u USING (a, b) ORDER BY a, b", "SELECT t u", "SELECT", "t"),
        ("SELECT EXTRACT(YEAR FROM ts), TRIM('x' FROM 'secret') FROM t", "SELECT t", "SELECT", "t"),
        ("SELECT a IS DISTINCT FROM 'secret' FROM t", "SELECT t", "SELECT", "t"),
        ("SELECT * FROM t FOR UPDATE", "SELECT t", "SELECT", "t"),
        ("INSERT INTO t VALUES (?) ON CONFLICT (a) DO UPDATE SET b = 1", "INSERT t", "INSERT", "t"),
        ("WITH x AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM x", "DELETE t INSERT u SELECT", "DELETE", "t"),
        ("EXPLAIN ANALYZE SELECT * FROM t", "EXPLAIN SELECT t", "EXPLAIN", "t"),
        ("EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM t", "EXPLAIN SELECT t", "EXPLAIN", "t"),
        ("CREATE OR REPLACE VIEW v AS SELECT a FROM t", "CREATE VIEW v SELECT t", "CREATE VIEW", "t"),
        ("CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a)", "CREATE INDEX i", "CREATE INDEX", ""),
        ("TRUNCATE TABLE t", "TRUNCATE TABLE t", "TRUNCATE TABLE", "t"),
        ("ALTER TABLE ONLY t ADD COLUMN a int", "ALTER TABLE t", "ALTER TABLE", "t"),
        ("CALL next value for seq", "CALL seq", "CALL", ""),
        ("BEGIN TRANSACTION", "BEGIN TRANSACTION", "BEGIN", ""),
        ("SAVEPOINT s1", "SAVEPOINT", "SAVEPOINT", ""),
        ("GRANT SELECT ON t TO u; SELECT a FROM t", "GRANT; SELECT t", "GRANT", "t"),
        ("PRAGMA table_info(t)", "PRAGMA", "PRAGMA", ""),
        ("hello world", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_summaries_name_operations_and_targets_in_order(text: str, summary: str, operation: str, collection: str) -> None:
    statement = known_sql(text, "postgresql")
    assert (statement.summary, statement.operation, statement.collection) == (summary, operation, collection)


def test_a_summary_is_cut_between_words_at_255_characters() -> None:
    summary = known_sql("SELECT * FROM " + ", ".join(f"table_{number}" for number in range(100)), "postgresql").summary
    assert 240 < len(summary) <= 255
    assert summary.rpartition(" ")[2].startswith("table_")


def test_equal_sanitized_statements_are_one_object() -> None:
    first, second = known_sql("SELECT a FROM t WHERE b = 1", "sqlite"), known_sql("SELECT a FROM t WHERE b = 22", "sqlite")
    assert first is second
    assert known_sql("SELECT a FROM t WHERE b = ?", "sqlite") is first


def test_a_known_statement_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["SELECT kept FROM t WHERE a = %s", "SELECT kept FROM t WHERE a = 'literal'"]
    statements = [known_sql(text, "mysql") for text in texts]
    monkeypatch.setattr(sql, "Literals", None)
    assert [known_sql(text, "mysql") for text in texts] == statements


def test_no_literal_stays_in_memory() -> None:
    literal = "staysnowhere7"
    statement = known_sql(f"SELECT * FROM t WHERE a = '{literal}'", "mariadb")
    gc.collect()
    dialect = DIALECTS["mariadb"]
    kept: list[Any] = [dialect.plain, dialect.digests, dialect.statements, sql._sanitized]
    assert literal not in repr(kept)
    assert not any(literal in getattr(statement, name) for name in type(statement).__slots__)


def test_what_is_known_is_bounded() -> None:
    for number in range(sql._MOST_KNOWN + 10):
        known_sql(f"SELECT c{number} FROM t", "some_database")
    assert len(OTHER.plain) <= sql._MOST_KNOWN
    assert len(OTHER.statements) <= sql._MOST_KNOWN


def test_a_huge_statement_is_bounded_in_text_and_needs_no_reading_of_its_end() -> None:
    huge = "INSERT INTO t VALUES (" + ", ".join(["'secret'"] * 1_000_000) + ")"
    statement = known_sql(huge, "postgresql")
    assert statement.summary == "INSERT t"
    assert len(statement.text) <= 8_192
    assert "secret" not in statement.text


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        (b"SELECT a FROM t", "SELECT t"),
        (bytearray(b"SELECT a FROM t"), "SELECT t"),
        (b"SELECT a FROM t\xff", "SELECT t\ufffd"),
        (Text("SELECT a FROM t"), "SELECT t"),
        ("SELECT a FROM t\ud800", "SELECT t"),
        (None, ""),
        (7, ""),
        (object(), ""),
        (pickle, ""),
    ],
)
def test_whatever_is_passed_gives_a_statement(text: object, summary: str) -> None:
    assert known_sql(text, "sqlite").summary in (summary, summary.rstrip("\ufffd"))
