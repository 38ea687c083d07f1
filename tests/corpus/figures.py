"""The figures of `make corpus`: what our functions do to rows that others have made, and the bounds they are held to."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from platform_instrument.privacy import mask, pii, sanitize_sql
from platform_instrument.privacy.labels import Labels
from tests.corpus.judging import changes, is_expected, keeps_a_comment, leaked, reason, spans, survives
from tests.privacy.corpus import system
from tests.privacy.secret_rows import SECRETS
from tests.privacy.test_secrets import lines, written
from tests.privacy.token_templates import ALL, made

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = ("sql.jsonl", "personal_data.jsonl", "clean_lines.jsonl")

FOLLOWED = "otel-java"
"""The source whose texts follow the conventions; others write theirs in other ways, and count for leaks alone."""
VALIDATED = frozenset(("email", "card", "iban", "us_ssn", "national_id", "jwt", "token", "private_key"))
"""Kinds that check digits, a header or a published shape make certain."""

SHARE_OF_TEXTS = SHARE_OF_SUMMARIES = 0.97
RECALL = {"email": 0.98, "credit_card": 0.98, "iban": 0.98, "us_ssn": 0.90, "phone": 0.75}
RECALL_OF_TOKENS, RECALL_OF_NAMED = 0.95, 0.60
"""Of secrets that are made when this runs: by published shapes, and in writings that tell them by what stands beside them."""
SEEDS = range(4)
ALARMS_OF_VALIDATED, ALARMS = 1 / 10_000, 1 / 2_000
"""In lines of logs."""


@dataclass
class Share:
    """How many of how many are right, and the others: the number of the row, and why."""

    right: int = 0
    all: int = 0
    misses: list[tuple[int, str]] = field(default_factory=list)

    def count(self, row: int, miss: str) -> None:
        """Count a row; `miss` is empty where it is right."""
        self.all += 1
        self.right += not miss
        if miss:
            self.misses.append((row, miss))

    @property
    def share(self) -> float:
        """Return the part that is right."""
        return self.right / self.all if self.all else 1.0


@dataclass
class Figures:
    """Everything that is published."""

    rows: str
    """The digest of the rows."""
    literals: Share = field(default_factory=Share)
    texts: Share = field(default_factory=Share)
    summaries: Share = field(default_factory=Share)
    recall: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    tokens: Share = field(default_factory=Share)
    named: Share = field(default_factory=Share)
    lines: Counter[str] = field(default_factory=Counter)
    """Clean lines by group."""
    changed_rightly: int = 0
    alarms: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    """The number of the row, its group, and the kinds by which it is changed."""

    def alarmed(self, group: str | None = None, kinds: frozenset[str] | None = None) -> int:
        """Count the lines that are changed: of a group, by some of the kinds."""
        return sum(
            (group is None or group == of) and (kinds is None or not kinds.isdisjoint(found)) for _, of, found in self.alarms
        )

    def failures(self) -> list[str]:
        """Return what is out of its bounds."""
        logs = max(self.lines["log"], 1)
        held = {
            "literals leak": not self.literals.misses,
            "texts": self.texts.share >= SHARE_OF_TEXTS,
            "summaries": self.summaries.share >= SHARE_OF_SUMMARIES,
            **{f"recall of {kind}": self.recall[kind].share >= least for kind, least in RECALL.items()},
            "recall of tokens": self.tokens.share >= RECALL_OF_TOKENS,
            "recall of secrets beside a name": self.named.share >= RECALL_OF_NAMED,
            "false alarms of validated kinds": self.alarmed("log", VALIDATED) / logs <= ALARMS_OF_VALIDATED,
            "false alarms": self.alarmed("log") / logs <= ALARMS,
        }
        return [bound for bound, holds in held.items() if not holds]


def missing(folder: Path) -> list[str]:
    """Return the files that are not there."""
    return [name for name in FILES if not (folder / name).is_file()]


def digest(folder: Path) -> str:
    """Return what tells these rows from others."""
    return sha256(b"".join((folder / name).read_bytes() for name in FILES)).hexdigest()[:16]


def figures(folder: Path) -> Figures:
    """Run our functions over every row."""
    found = Figures(digest(folder))
    for number, row in _rows(folder / "sql.jsonl"):
        _count_statement(found, number, row)
    for number, row in _rows(folder / "personal_data.jsonl"):
        masked = mask(row["text"])
        for kind, value in spans(row):
            if kind == "ip":
                with addresses_hidden():
                    masked = mask(row["text"])
            found.recall[kind].count(number, "survives" if survives(value, kind, masked) else "")
    _count_secrets(found)
    for number, row in _rows(folder / "clean_lines.jsonl"):
        found.lines[row["group"]] += 1
        changed, wrong = changes(row["text"])
        if wrong:
            found.alarms.append((number, row["group"], tuple(wrong)))
        elif changed:
            found.changed_rightly += 1
    return found


def _count_secrets(found: Figures) -> None:
    """Count secrets that no file may hold: they are made here."""
    for seed in SEEDS:
        for number, template in enumerate(ALL, 1):
            token = made(template, seed)
            masked = mask(f"2025-11-25 22:11:07 ERROR upstream refused {token} of the client")
            found.tokens.count(number, "survives" if survives(token, "token", masked) else "")
        for number, row in enumerate(lines(SECRETS), 1):
            text, values = written(row, seed)
            masked = mask(text)
            found.named.count(number, "survives" if any(survives(value, "secret", masked) for value in values) else "")


def _count_statement(found: Figures, number: int, row: dict[str, Any]) -> None:
    statement = sanitize_sql(row["sql"], system(row))
    if row["must_not_contain"]:
        found.literals.count(number, "leaks" if leaked(row["must_not_contain"], statement.text) else "")
    if row["source"] != FOLLOWED:
        return
    expected = row["expected_text"]
    if expected and not keeps_a_comment(expected):
        found.texts.count(number, "" if is_expected(statement.text, expected) else reason(statement.text, expected))
    expected = row["expected_summary"]
    if expected is not None:
        found.summaries.count(number, "" if statement.summary == expected else reason(statement.summary, [expected]))


@contextmanager
def addresses_hidden() -> Iterator[None]:
    """Hide IP addresses too, as a setting does."""
    before = pii.ACTIVE
    pii.use(Labels({}))
    try:
        yield
    finally:
        pii.use(before)


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a file with their numbers, counted from 1."""
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            yield number, json.loads(line)
