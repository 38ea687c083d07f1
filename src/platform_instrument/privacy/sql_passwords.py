"""Where a statement sets a secret that may stand there without quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.names import is_secret_name
from platform_instrument.privacy.sql_dialects import words
from platform_instrument.privacy.sql_doubts import LONGEST_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DATA_STATEMENTS = words(
    "SELECT INSERT UPDATE DELETE REPLACE VALUES TRUNCATE WITH MERGE DROP CALL EXEC EXECUTE SHOW COPY EXPLAIN PRAGMA ANALYZE"
    " COMMENT FROM USE LOCK DESCRIBE DESC DECLARE BEGIN ("
)
_DATA_OBJECTS = words("TABLE VIEW INDEX PROCEDURE FUNCTION TRIGGER TYPE MATERIALIZED TEMPORARY TEMP OR UNIQUE UNLOGGED VIRTUAL")
_NO_PASSWORD = words(") ( , ; . FOR EXPIRE HISTORY REUSE REQUIRE NULL TO FROM ON IS AND OR")
_NO_KEY = words("IDENTIFIED WITH ENCRYPTED")
_NAMED_KEYS = words("COLUMN DATABASE")
SETTINGS = words("CREATE ALTER SET COPY PRAGMA EXPORT IMPORT UNLOAD ATTACH BACKUP RESTORE OPEN")
"""Statements that give a value to a name."""
_NO_ARGUMENTS = words("NULL DEFAULT OUTPUT OUT TRUE FALSE")

ANNOUNCERS = words("PASSWORD PASSPHRASE IDENTIFIED KEY")


def announces_password(statement: Sequence[str], before: str, word: str, following: str) -> bool:
    """Say whether a secret follows: after PASSWORD in a statement about accounts.

    `statement` is its words up to here, `before` and `following` stand around `word`; all are in upper case.
    """
    if word == "IDENTIFIED" or not following or not statement or statement[0] in _DATA_STATEMENTS:
        return False
    if word == "KEY":
        return (
            before == "ENCRYPTION" and not _NAMED_KEYS.intersection(statement[-2:-1]) and following not in _NO_KEY | _NO_PASSWORD
        )
    if statement[0] == "SET":
        return following not in _NO_PASSWORD or following == "FOR"
    about_data = statement[0] in ("CREATE", "ALTER") and statement[:2][-1] in _DATA_OBJECTS
    return not about_data and following not in _NO_PASSWORD


def sets_secret(statement: Sequence[str], name: str) -> bool:
    """Say whether what is given to a name in this statement may be a secret, or is a setting of the application."""
    first = statement[0] if statement else ""
    if first not in SETTINGS or statement[:2][-1] in _DATA_OBJECTS:
        return False
    if first == "SET":
        return "." in name or is_secret_name(name)
    last = name.rpartition(".")[2] if first == "PRAGMA" else name
    return "." not in last and (is_secret_name(last) or (first == "PRAGMA" and last.lower().endswith("key")))


def is_bare(word: str) -> bool:
    """Say whether a token is a word or a quoted name, and no string."""
    return (word[:1].isalpha() or word[:1] in ("_", '"', "`", "[")) and "'" not in word[:LONGEST_PREFIX]


def bare_arguments(tokens: Sequence[str], index: int) -> Iterator[int]:
    """Yield the positions of words that are strings because EXEC, which stands at `index`, passes them."""
    words_after = [token.strip().upper() for token in tokens[index + 1 :]]
    first = 3 if words_after[1:2] == ["="] else 1  # behind the name of the procedure
    before = ","
    for position in range(first, len(words_after)):
        word = words_after[position]
        following = words_after[position + 1] if position + 1 < len(words_after) else ";"
        if position == first and following not in (",", ";") and not word.startswith("@"):
            return
        if before in (",", "="):
            if is_bare(word) and word not in _NO_ARGUMENTS:
                yield index + 1 + position
        elif word not in (",", "=") and word not in _NO_ARGUMENTS:
            return
        before = word
