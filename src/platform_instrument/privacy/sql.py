"""SQL for telemetry: the text without its literals, and what the statement does to what.

A statement is read once and remembered by a digest, so that no literal stays in memory. Equal sanitized statements are one
object.
"""

from __future__ import annotations

from platform_instrument.privacy.emails import EMAIL
from platform_instrument.privacy.sql_dialects import DIALECTS, OTHER, Dialect
from platform_instrument.privacy.sql_literals import Literals
from platform_instrument.privacy.sql_memory import Memory
from platform_instrument.privacy.sql_summary import Summary

_LONGEST = 8_192
"""Characters of a statement that are looked at; the rest does not leave."""
_UNKNOWN = "other_sql"

_sanitized = Memory()


class Statement:
    """One sanitized statement; equal ones are the same object, so that it serves as a key."""

    __slots__ = ("collection", "operation", "summary", "text")

    def __init__(self, text: str, summary: str, operation: str, collection: str) -> None:
        self.text = text
        self.summary = summary
        self.operation = operation
        self.collection = collection


def known_sql(text: object, system: str) -> Statement:
    """Return the statement of a text, one lookup once it is known; what is no text is an empty statement.

    `system` is `db.system.name`, which says how the database quotes. Never raises.
    """
    if type(text) is not str:
        text = _readable(text)
    if len(text) > _LONGEST:
        text = text[:_LONGEST]
        whole = False
    else:
        whole = True
    dialect = DIALECTS.get(system, OTHER)
    digest = hash(text)
    return dialect.memory.digests.get(digest) or _at_first_sight(text, dialect, digest, whole=whole)


def sanitize_sql(text: str, dialect: str | None = None) -> Statement:
    """Return a statement's text without literals, its summary, operation and collection, each empty where there is none.

    `dialect` is a `db.system.name`, such as `postgresql`; without one a text that could be read in two ways is read in the
    way that hides more.
    """
    return known_sql(text, dialect or _UNKNOWN)


def is_sanitized(text: str) -> bool:
    """Say whether a text is one that `known_sql` returned lately."""
    return text in _sanitized.statements


def _at_first_sight(text: str, dialect: Dialect, digest: int, *, whole: bool) -> Statement:
    literals = Literals(text, dialect, whole=whole)
    sanitized = literals.text()
    summary = Summary(literals.upper, literals.written)
    found = (sanitized, summary.text, summary.operation, summary.collection)
    if "@" in sanitized or "@" in summary.text:
        found = (_impersonal(found[0]), _impersonal(found[1]), _impersonal(found[2]), _impersonal(found[3]))
    memory = dialect.memory
    memory.make_room()
    statement = memory.statements.get(found[:2])
    if statement is None:
        statement = memory.keep(found[:2], Statement(*found))
        _sanitized.keep(statement.text, statement)
    memory.digests[digest] = statement
    return statement


def _impersonal(text: str) -> str:
    """Return a text without e-mail addresses: a database that knows people by them has roles with such names."""
    pieces: list[str] = []
    at = 0
    for start, end in EMAIL.values(text):
        if start >= at:
            pieces += (text[at:start], f"[{EMAIL.kind}]")
        at = max(at, end)
        while text[at : at + 1].isalnum() or (text[at : at + 1] or " ") in "_$#.@":
            at += 1  # to the end of the word
    return "".join([*pieces, text[at:]])


def _readable(text: object) -> str:
    if issubclass(type(text), str):  # `isinstance` believes what `__class__` says
        return str.__str__(text)
    if isinstance(text, (bytes, bytearray)):
        return bytes(text[: _LONGEST + 1]).decode("utf-8", "replace")
    return ""
