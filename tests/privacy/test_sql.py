from __future__ import annotations

import json
import pickle
import subprocess
import sys

import pytest

from platform_instrument.privacy import sql
from platform_instrument.privacy.sql import known_sql, sanitize_sql
from platform_instrument.privacy.sql_dialects import DIALECTS, OTHER
from platform_instrument.privacy.sql_memory import MOST_BYTES, MOST_KNOWN

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
        ("oracle.db", "SELECT a FROM t WHERE b = 'x' AND c = q'<it's>'", "SELECT a FROM t WHERE b = ? AND c = ?"),
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


EVERYWHERE = ["", "unheard of", *{id(dialect): name for name, dialect in DIALECTS.items()}.values()]
MYSQL, UNKNOWN = ["mysql", ""], ["", "unheard of"]


@pytest.mark.parametrize(
    ("text", "systems"),
    [
        *((f"SELECT a, {prefix}'{SECRET}", EVERYWHERE) for prefix in ("", "N", "E", "x", "b", "u&", "q", "nq", "_utf8")),
        *((f"SELECT {opening}{SECRET}", EVERYWHERE) for opening in ('"', "`", "$$", "$a$", "/*", "-- ", "\u2018")),
        *((f"SELECT q'{mark}{SECRET}", ["oracle.db"]) for mark in "[{<(!x"),
        (f"SELECT q'[ ' {SECRET} ']'", EVERYWHERE),
        (f"SELECT \u201c{SECRET}\u201d, \u2018{SECRET}\u2019", EVERYWHERE),
        (f"SELECT 1--'a\n{SECRET}'", [*MYSQL, "unheard of"]),
        (f"SELECT 1 -- {SECRET}", EVERYWHERE),
        (f"SELECT 1 # {SECRET}\n + 1", EVERYWHERE),
        (f"SELECT 1 #{SECRET}\n", [*MYSQL, *UNKNOWN, "gcp.bigquery"]),
        (f"SELECT 1 /* {SECRET} */", EVERYWHERE),
        (f"SELECT 1 /* a /* b */ {SECRET} */", ["postgresql", "microsoft.sql_server", "duckdb", *UNKNOWN]),
        (f"SELECT 1 /* /* /* */ */ {SECRET} */", ["postgresql", "microsoft.sql_server", "duckdb", *UNKNOWN]),
        (f"SELECT 1 // {SECRET}\n", ["snowflake", "cassandra", *UNKNOWN]),
        (f"/*! select 'a*/ {SECRET}' */", [*MYSQL, *UNKNOWN]),
        (f"/*!99999 it's */ SELECT ' {SECRET} '", [*MYSQL, *UNKNOWN]),
        (f"SELECT -- x\r ' \n {SECRET} '", EVERYWHERE),
        (f"SELECT a='x\\', b=' {SECRET} -- ' , c=1", [*MYSQL, *UNKNOWN]),
        (f"SELECT name='O'{SECRET}'s' FROM t", EVERYWHERE),
        (f"SELECT 'it's {SECRET} isn't'", EVERYWHERE),
        (f"SELECT a FROM t WHERE b = {SECRET}'", EVERYWHERE),
        (f"SELECT a FROM t `WHERE c = '{SECRET}'` ", ["postgresql", "oracle.db", "microsoft.sql_server", "snowflake", "cassandra"]),
        (f"INSERT I\"NTO t (a) VALUES ('{SECRET}\"', 'it''s', 'x\"')", EVERYWHERE),
        (f"SELECT a FROM t WHERE b ={SECRET}' AND c = 'x'", EVERYWHERE),
        (f"SELECT [a' ] = ' {SECRET} ' , [b' ]", UNKNOWN),
        (f"SELECT ''' ' {SECRET} ' '''", ["gcp.bigquery", *UNKNOWN]),
        (f'SELECT a IS DISTINCT FROM "{SECRET}" FROM t', ["sqlite", "mysql", "microsoft.sql_server", *UNKNOWN]),
        (f'SELECT SUBSTRING(x FROM "{SECRET}") FROM t', ["sqlite", "mysql", "microsoft.sql_server", *UNKNOWN]),
        (f"COPY t (a) FROM stdin WITH CSV;\n1,{SECRET}\n\\.\nx", ["postgresql", *UNKNOWN]),
        (f"EXEC sp_addlogin bob, {SECRET}; SELECT a", ["microsoft.sql_server", *UNKNOWN]),
        (f'EXEC @r = p @a = 1, @b = {SECRET}, @c = "{SECRET}"', ["microsoft.sql_server", *UNKNOWN]),
        (f"EXEC p {SECRET}", ["microsoft.sql_server", *UNKNOWN]),
        (f"PRAGMA key = {SECRET}", ["sqlite", *UNKNOWN]),
        (f"PRAGMA main.rekey({SECRET})", ["sqlite", *UNKNOWN]),
        (f"SET app.tenant TO {SECRET}", EVERYWHERE),
        (f'SET LOCAL app.jwt = "{SECRET}"', EVERYWHERE),
        (f"SET PASSWORD FOR u = {SECRET}", EVERYWHERE),
        (f"BEGIN ALTER USER u IDENTIFIED /* x */ BY {SECRET}; END", EVERYWHERE),
        (f"COPY INTO t CREDENTIALS=(AWS_SECRET_KEY={SECRET})", EVERYWHERE),
        (f"ALTER DATABASE d SET ENCRYPTION KEY {SECRET}", EVERYWHERE),
        (f"CONNECT scott/{SECRET}@db", EVERYWHERE),
        (f"ENCRYPTION KEY {SECRET}", EVERYWHERE),
        (f'GRANT a TO "{SECRET}@example.com"', EVERYWHERE),
        (f'CREATE USER "{SECRET}@example.com"', EVERYWHERE),
    ],
)  # fmt: skip
def test_hostile_statements_never_leak(text: str, systems: list[str]) -> None:
    for system in systems:
        statement = known_sql(text, system)
        assert SECRET not in f"{statement.text} {statement.summary} {statement.operation} {statement.collection}", system
    assert SECRET not in sanitize_sql(text).text or "" not in systems


@pytest.mark.parametrize("dialect", [None, "", "unheard of"])
def test_a_dialect_that_is_not_known_hides_what_may_be_a_string(dialect: str | None) -> None:
    statement = sanitize_sql('SELECT "a", b."c" FROM "t" WHERE d = "x" -- y', dialect)
    assert (statement.text, statement.summary) == ('SELECT ?, b."c" FROM ? WHERE d = ?', 'SELECT "t"')
    assert sanitize_sql("SELECT a FROM t", dialect) is sanitize_sql("SELECT a FROM t", "unheard of")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("SET search_path TO app", "SET search_path TO app"),
        ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"),
        ("CREATE VIEW v AS SELECT a FROM t JOIN u ON t.key = u.key", "CREATE VIEW v AS SELECT a FROM t JOIN u ON t.key = u.key"),
        ("CREATE COLUMN ENCRYPTION KEY k", "CREATE COLUMN ENCRYPTION KEY k"),
        ("UPDATE t SET token = other", "UPDATE t SET token = other"),
        ("PRAGMA table_info(t)", "PRAGMA table_info(t)"),
        ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys = ON"),
        ("EXECUTE plan (a)", "EXECUTE plan (a)"),
        ("EXEC p @a OUTPUT, @b = DEFAULT SELECT a FROM t", "EXEC p @a OUTPUT, @b = DEFAULT SELECT a FROM t"),
        ("SELECT a FROM t START WITH b CONNECT BY PRIOR a = b / c", "SELECT a FROM t START WITH b CONNECT BY PRIOR a = b / c"),
        ("SELECT a #> '{x}', b #>> $1, c #- %s FROM t", "SELECT a #> ?, b #>> $1, c #- %s FROM t"),
        ("SELECT 'a'AS b, DATE'2020-01-01', 'x'::text FROM t", "SELECT ?AS b, DATE?, ?::text FROM t"),
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str, kept: str) -> None:
    assert sanitize_sql(text).text == kept


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


@pytest.mark.parametrize("text", ["--/*", "SELECT a--/* b */ c", "SELECT a--/* b */'c'", "SELECT a - - b"])
def test_signs_do_not_become_a_comment(text: str) -> None:
    sanitized = known_sql(text, "mysql").text
    assert known_sql(sanitized, "mysql").text == sanitized


def test_equal_sanitized_statements_are_one_object() -> None:
    first, second = known_sql("SELECT a FROM t WHERE b = 1", "sqlite"), known_sql("SELECT a FROM t WHERE b = 22", "sqlite")
    assert first is second
    assert known_sql("SELECT a FROM t WHERE b = ?", "sqlite") is first


def test_a_known_statement_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["SELECT kept FROM t WHERE a = %s", "SELECT kept FROM t WHERE a = 'literal'"]
    statements = [known_sql(text, "mysql") for text in texts]
    monkeypatch.setattr(sql, "Literals", None)
    assert [known_sql(text, "mysql") for text in texts] == statements


SEARCH = """
import gc, json, sys
from platform_instrument.privacy import mask_attribute, sanitize_sql
from platform_instrument.privacy.sql_dialects import DIALECTS

def held(word):
    return [
        one for holder in gc.get_objects() for one in gc.get_referents(holder)
        if isinstance(one, str) and one is not word and word in one
    ]

def read():
    word = "7erehwonsyats"[::-1]
    for text in json.loads(sys.argv[1]):
        for system in (*DIALECTS, None, "unheard of"):
            assert word not in sanitize_sql(text.replace("{}", word), system).text
        mask_attribute("db.statement", text.replace("{}", word))

read()
gc.collect()
assert held("".join(["sanitize", "_sql"]))
found = held("7erehwonsyats"[::-1])
assert not found, found
"""


def test_no_literal_stays_in_memory() -> None:
    texts = [
        "SELECT * FROM t WHERE a = '{}'",
        "SELECT a FROM t -- {}",
        "SELECT a FROM t /* {} */ WHERE b = 1",
        "SELECT a FROM t WHERE b = 'O'{}'s'",
        "SELECT a FROM t WHERE b = 'x {} unterminated",
        "ALTER USER u IDENTIFIED BY {}",
        "CREATE USER u PASSWORD {}",
        "SET app.token = {}",
        'GRANT a TO "{}@example.com"',
        "COPY t FROM STDIN; {}",
    ]
    run = subprocess.run([sys.executable, "-c", SEARCH, json.dumps(texts)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_what_is_known_is_bounded() -> None:
    memory = OTHER.memory
    for number in range(MOST_KNOWN + 10):
        known_sql(f"SELECT c{number} FROM t", "some_database")
        known_sql(f"SELECT c{number} FROM t WHERE a = 'x'", "some_database")
    assert 0 < len(memory.digests) <= MOST_KNOWN
    assert len(memory.statements) <= MOST_KNOWN
    assert len(OTHER.words) <= MOST_KNOWN
    assert len(sql._sanitized.statements) <= MOST_KNOWN


def test_what_is_known_is_bounded_in_bytes() -> None:
    memory = DIALECTS["trino"].memory
    for number in range(400):
        known_sql(f"SELECT c{number}, 'x', " + "\U0001f600, " * 2_000, "trino")
        assert sum(sys.getsizeof(one.text) for one in memory.statements.values()) <= MOST_BYTES
        assert sum(map(sys.getsizeof, sql._sanitized.statements)) <= MOST_BYTES
    assert memory.digests


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
