"""A text that is cut ends in no value, and the end of one that was folded begins in none."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace

from platform_instrument.privacy import mask, mask_attribute, mask_command
from platform_instrument.privacy.cuts import cut, masked_ends, masked_start
from platform_instrument.telemetry.exceptions import MOST_MESSAGE, MOST_STACK, exception_attributes
from tests.privacy.planted import CARD, EMAIL, IBAN, JWT, MARKER, PASSWORD, PHONE, PRIVATE_KEY, SENTENCE, SSN, TOKEN
from tests.telemetry import sides

VALUES = (EMAIL, CARD, IBAN, JWT, PHONE, SSN, TOKEN, PRIVATE_KEY, f"password={PASSWORD}")
_LEAST = 4


def test_wherever_a_text_is_cut_no_part_of_a_value_is_left() -> None:
    for length in range(len(SENTENCE)):
        shown = mask(cut(SENTENCE, length))
        assert len(cut(SENTENCE, length)) <= length
        for value in VALUES:
            secret = value.removeprefix("password=").removeprefix("-----BEGIN ")
            assert secret[:_LEAST] not in shown, (length, value)


def test_a_text_without_values_is_cut_where_it_should_be() -> None:
    assert cut("x" * 5_000, 1_234) == "x" * 1_234
    assert cut("short", 5) == "short"
    assert cut(f"{'x' * 10} {EMAIL}", 10) == "x" * 10
    assert cut(EMAIL, 0) == ""


@pytest.mark.parametrize("value", [EMAIL, CARD, IBAN, TOKEN, JWT])
@pytest.mark.parametrize("kind", [str, str.encode, lambda text: bytearray(text.encode())], ids=["text", "bytes", "bytearray"])
def test_a_key_of_a_command_is_cut_in_no_value(value: str, kind: Any) -> None:
    for length in range(100, 128):
        text = mask_attribute("db.query.text", mask_command(("GET", kind(f"{'x' * length} {value}"))))
        assert value[:_LEAST] not in text, text
    assert mask_command(("GET", "x" * 200)) == f"GET {'x' * 128}..."


STATEMENT = f"[SQL: INSERT INTO t VALUES {', '.join([repr((1, MARKER))] * 2_000)}]\n[parameters: ()]"


def test_a_folded_text_leaves_no_literal_of_a_statement_that_began_in_its_middle() -> None:
    folded = masked_ends(f"{'x' * 9_000}\n{STATEMENT}", 16_000, "…")
    assert MARKER not in mask_attribute("exception.stacktrace", folded)


def test_the_start_of_a_message_holds_no_value_whose_end_is_gone() -> None:
    text = f"{'x' * 1_950} postgres://shop:{PASSWORD * 20}@db/shop"
    assert PASSWORD[:_LEAST] not in mask_attribute("exception.message", masked_start(text, 2_000))


def test_messages_and_stacks_are_bounded_and_leave_nothing() -> None:
    described = exception_attributes(ValueError(f"{'x' * 9_000}\n{STATEMENT}"))
    assert MARKER not in repr({key: mask_attribute(key, value) for key, value in described.items()})
    plain = exception_attributes(ValueError("x" * 50_000))
    assert plain["exception.message"] == "x" * MOST_MESSAGE
    assert len(plain["exception.stacktrace"]) <= MOST_STACK + 5


@pytest.mark.parametrize(
    "value", [SENTENCE, SENTENCE.encode(), [SENTENCE], {"a": SENTENCE}], ids=["text", "bytes", "list", "mapping"]
)
def test_a_limit_on_values_leaves_no_part_of_one(value: Any) -> None:
    for length in range(20, len(SENTENCE), 7):
        with sides.ours({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": str(length)}):
            span: Any = trace.get_tracer("shop").start_span("work", attributes={"note": value})
            shown = repr(mask_attribute("note", span.attributes["note"]))
        assert not [value for value in (EMAIL, CARD, IBAN, TOKEN, JWT, PASSWORD) if value[:_LEAST] in shown], (length, shown)
