"""Where a statement sets a password that may stand there without quotes."""

from __future__ import annotations

from platform_instrument.privacy.sql_dialects import words

_DATA_STATEMENTS = words(
    "SELECT INSERT UPDATE DELETE REPLACE VALUES TRUNCATE WITH MERGE DROP CALL EXEC EXECUTE SHOW COPY EXPLAIN PRAGMA ANALYZE"
    " COMMENT FROM USE LOCK DESCRIBE DESC DECLARE BEGIN ("
)
_DATA_OBJECTS = words("TABLE VIEW INDEX PROCEDURE FUNCTION TRIGGER TYPE MATERIALIZED TEMPORARY TEMP OR UNIQUE UNLOGGED VIRTUAL")
_NO_PASSWORD = words(") ( , ; . FOR EXPIRE HISTORY REUSE REQUIRE NULL TO FROM ON IS AND OR")


def announces_password(statement: list[str], before: str, word: str, following: str) -> bool:
    """Say whether a password follows: after IDENTIFIED BY, or after PASSWORD in a statement about accounts.

    `statement` is its first two words, `before` and `following` stand around `word`; all are in upper case.
    """
    if not statement or not following or statement[0] in _DATA_STATEMENTS:
        return False
    if word == "BY":
        return before == "IDENTIFIED"
    about_data = statement[0] in ("CREATE", "ALTER") and statement[-1] in _DATA_OBJECTS
    return not about_data and following not in _NO_PASSWORD
