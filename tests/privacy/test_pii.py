"""Personal data in free text: what is found by its form, its check digits or a word beside it, and what stays."""

from __future__ import annotations

import json
import random
import re
import string
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_instrument.core.masking import KINDS
from platform_instrument.privacy import find, mask, mask_attribute, mask_url
from platform_instrument.privacy.accounts import mod_97
from platform_instrument.privacy.cards import luhn
from tests.privacy.linear import assert_linear

if TYPE_CHECKING:
    from collections.abc import Callable

CARD = "4539148803436467"
SPACED_CARD = "4539 1488 0343 6467"
IBAN = "DE89370400440532013000"
EXAMPLES = settings(max_examples=150, deadline=None)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail bob.o'neil+x@example.co.uk!", "mail [email]!"),
        ("<bob@example.com>", "<[email]>"),
        ("user=bob%40example.com&x=1", "user=[email]&x=1"),
        (f"card {CARD} declined", "card [card] declined"),
        (f'{{"card_number": "{SPACED_CARD}"}}', '{"card_number": "[card]"}'),
        (f"paid with {SPACED_CARD}", "paid with [card]"),
        (f"paid with {SPACED_CARD.replace(' ', '-')}", "paid with [card]"),
        ("amex 3782 822463 10005", "amex [card]"),
        (CARD, "[card]"),
        (f"card={quote(SPACED_CARD)}", "card=[card]"),
        (f"card={quote_plus(SPACED_CARD)}", "card=[card]"),
        (f"to {IBAN} today", "to [iban] today"),
        ("to DE89 3704 0044 0532 0130 00 today", "to [iban] today"),
        ("GB82 WEST 1234 5698 7654 32, thanks", "[iban], thanks"),
        ("iban: gb82west12345698765432", "iban: [iban]"),
        ("ring +49 30 1234567 now", "ring [phone] now"),
        ("ring +447700900123", "ring [phone]"),
        ("(415) 555-0132 or 415-555-0132", "[phone] or [phone]"),
        ("Mobile: 0490 39 07 81", "Mobile: [phone]"),
        ("call me at 0494 92 82 32 please", "call me at [phone] please"),
        ("SSN: 536-22-8726", "SSN: [us_ssn]"),
        ("social security number 536.22.8726", "social security number [us_ssn]"),
        ("cpf 529.982.247-25", "cpf [national_id]"),
        ("codice RSSMRA85T10A562S", "codice [national_id]"),
        ("NIR 2 69 05 49 588 157 80", "NIR [national_id]"),
        ("DNI 12345678Z", "DNI [national_id]"),
        (f"bob@example.com paid with {SPACED_CARD}", "[email] paid with [card]"),
        ("to%20DE89%203704%200044%200532%200130%2000", "to%20[iban]"),
        ("x%3DDE89370400440532013000", "x%3D[iban]"),
        ("call%20%2B49%2030%201234567%20now", "call%20[phone]%20now"),
        ("card%3D4539148803436467%26", "card%3D[card]%26"),
        ("https://ada:sesame@example.org/x", "https://[credentials]@example.org/x"),
        ("see https://example.org/users/bob@example.com", "see https://example.org/users/[email]"),
    ],
)
def test_personal_data_becomes_a_label(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked
    assert mask_attribute("note", text) == masked
    assert {found.kind for found in find(text)} <= set(KINDS)


@pytest.mark.parametrize(
    "text",
    [
        "order 4539148803436467 accepted",  # a bare run of digits, though Luhn's check passes
        "card 4539148803436468 declined",  # it does not pass here
        "id 1234567890123456",
        "2025-11-25 22:11:07,123 INFO took 12345678 ns",
        "2005-11-07-04.34.41.779706 R60-M0-N0",
        "081111 044309 35 INFO dfs.FSNamesystem blk_3729730843466061623",
        "DE89370400440532013001",  # its check digits are wrong
        "DE8937040044053201300",
        "version 1.2.3.4 and 10.251.27.63:50010",
        "550e8400-e29b-41d4-a716-446655440000",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "git@github.com:a/b.git",
        "user@host",
        "icon@2x.png",
        "+0000 +01:00 +12345",
        "12-34-5678 and 123-45-67890",
        "000-12-3456",
        "phone is required",
        "call 12",
        "RSSMRA85T10A562X",  # its check letter is wrong
        "52.98.22.47-25",
        "1132345678.123456",
        "authenticated ok",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert mask(text) == text


def test_network_addresses_stay_unless_a_setting_wants_them_hidden() -> None:
    from platform_instrument.privacy import pii
    from platform_instrument.privacy.labels import DEFAULT, Labels

    text = "from 36.106.174.11 and 2001:db8::7334 and fe80:0:0:0:202:b3ff:fe1e:8329 at 12:30:45"
    assert mask(text) == text
    pii.use(Labels({"ip": "mask"}))
    try:
        assert mask(text) == "from [ip] and [ip] and [ip] at 12:30:45"
    finally:
        pii.use(Labels(DEFAULT))


def test_an_email_in_a_path_of_a_url_is_hidden_and_the_url_stays_one() -> None:
    assert mask_url("https://u:p@h.example/users/bob@example.com?token=x1&page=2") == (
        "https://REDACTED:REDACTED@h.example/users/[email]?token=REDACTED&page=2"
    )


def test_segments_of_a_path_are_hidden_by_patterns_of_the_setting() -> None:
    from platform_instrument.privacy import pii
    from platform_instrument.privacy.custom import custom
    from platform_instrument.privacy.labels import DEFAULT, Labels

    pii.use(Labels(DEFAULT), custom((r"/customers/(?P<value>[^/?]{1,64})",))[0])
    try:
        assert mask_attribute("url.full", "https://h.example/customers/Ada%20L/orders?x=1") == (
            "https://h.example/customers/[custom]/orders?x=1"
        )
    finally:
        pii.use(Labels(DEFAULT))


def test_a_number_of_json_becomes_a_string_so_that_the_line_stays_json() -> None:
    line = json.dumps({"card": int(CARD), "cards": [int(CARD), 1], "text": f"card: {CARD}, new"})
    assert json.loads(mask(line)) == {"card": "[card]", "cards": ["[card]", 1], "text": "card: [card], new"}


# --- properties -------------------------------------------------------------------------------------------------------


def made_card(seed: int) -> str:
    digits = random.Random(seed)  # noqa: S311 - a test's
    body = f"4{digits.randrange(10**14):014d}"
    return next(body + check for check in string.digits if luhn(body + check))


def made_iban(seed: int) -> str:
    body = f"{random.Random(seed).randrange(10**18):018d}"  # noqa: S311 - a test's
    return next(f"DE{check:02d}{body}" for check in range(2, 99) if mod_97(f"DE{check:02d}{body}"))


EMBEDDINGS = (
    lambda value: value,
    lambda value: json.dumps({"card": value}),
    lambda value: json.dumps(json.dumps({"card": [value]})),
    lambda value: repr({"card": value}),
    lambda value: f"SELECT 1 -- card {value}\n",
    lambda value: f"/* card {value} */",
    lambda value: f"https://h.example/?card={quote(value)}",
    lambda value: f"https://h.example/?card={quote_plus(value)}",
    lambda value: f"card={value};",
    lambda value: f"<card>{value}</card>",
)


@EXAMPLES
@given(st.integers(0, 10**9), st.sampled_from(EMBEDDINGS), st.sampled_from(["", " ", "-"]))
def test_no_card_survives_in_whatever_it_is_wrapped(seed: int, embed: Callable[[str], str], gap: str) -> None:
    card = made_card(seed)
    written = gap.join(re.findall(r"\d{4}", card))
    assert card not in re.sub(r"%20|\D", "", mask(embed(written)))


@EXAMPLES
@given(st.integers(0, 10**9), st.sampled_from(EMBEDDINGS), st.sampled_from(["", " "]))
def test_no_account_survives_in_whatever_it_is_wrapped(seed: int, embed: Callable[[str], str], gap: str) -> None:
    iban = made_iban(seed)
    written = gap.join(re.findall(r".{1,4}", iban))
    assert iban[4:] not in re.sub(r"%20|\W", "", mask(embed(written)))


@EXAMPLES
@given(st.emails(), st.sampled_from(EMBEDDINGS))
def test_no_address_survives_in_whatever_it_is_wrapped(address: str, embed: Callable[[str], str]) -> None:
    local, _, domain = address.rpartition("@")
    if re.fullmatch(r"[\w.+-]{4,64}", local, re.ASCII) and not re.search(
        r"\.(?:png|jpe?g|gif|svg|webp|css|js|py|html?)$", domain
    ):
        assert f"{local}@" not in mask(embed(address)).replace("%40", "@")


@EXAMPLES
@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=300))
def test_any_text_is_masked_once_and_for_all(text: str) -> None:
    masked = mask(text)
    assert mask(masked) == masked


@pytest.mark.parametrize("text", ["\ud800 card", "\x00" * 100, "a" * 10_000_000, "4" * 10_000_000, "@" * 1_000_000])
def test_whatever_it_is_given_it_answers_soon(text: str) -> None:
    start = time.thread_time()
    assert len(mask(text)) <= 131_072 * 2
    assert time.thread_time() - start < 2


UNITS = (
    '{"card": 4539148803436467}, ', "4539 ", "4539-", "45391488", "1 ", "DE89 ", "DE89", "+49 ", "+1(", "(415) ", "0)", "phone ", "phone: 0", "call a on ",
    "12-", "123.456.", "A1", "a@", "a@a.", "%40", "x@b.c ", "::", "1:", "1.1.", "RSSMRA85T10A562", "my a number is 1", "1 fax",
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_it_takes_time_in_proportion_to_length(unit: str) -> None:
    assert_linear(mask, unit)
