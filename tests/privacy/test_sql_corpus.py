from __future__ import annotations

import re
from typing import Any

import pytest

from platform_instrument.privacy.sql import known_sql
from tests.privacy.corpus import rows, system

COMMENT = re.compile(r"/\*|--")
"""We leave comments out, since they hold secrets; the rows keep some."""


def folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).lower()


def test_no_literal_of_any_row_survives() -> None:
    leaks = [
        (row["sql"], literal, text)
        for row in rows("sql.jsonl")
        for text in [known_sql(row["sql"], system(row)).text]
        for literal in row["must_not_contain"]
        if re.search(rf"(?<!\w){re.escape(literal)}(?!\w)", text)
    ]
    assert leaks == []


def test_texts_follow_the_conventions() -> None:
    wrong = [
        (row["sql"], text, row["expected_text"])
        for row in rows("sql.jsonl")
        if row["source"] == "otel-java" and row["expected_text"] and not COMMENT.search(row["expected_text"][0])
        for text in [known_sql(row["sql"], system(row)).text]
        if folded(text) not in [folded(expected) for expected in row["expected_text"]]
    ]
    assert wrong == []


@pytest.mark.parametrize("field", ["summary", "operation", "collection"])
def test_summaries_follow_the_conventions(field: str) -> None:
    wrong = [
        (row["sql"], found, row[f"expected_{field}"])
        for row in rows("sql.jsonl")
        if row[f"expected_{field}"] is not None
        for found in [getattr(known_sql(row["sql"], system(row)), field)]
        if found != row[f"expected_{field}"]
    ]
    assert wrong == []


def test_a_sanitized_text_is_left_alone() -> None:
    def again(row: dict[str, Any]) -> bool:
        text = known_sql(row["sql"], system(row)).text
        return known_sql(text, system(row)).text == text

    assert [row["sql"] for row in rows("sql.jsonl") if not again(row)] == []
