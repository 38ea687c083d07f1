"""How personal data is really written: keys, escapes, scripts, gaps; and the numbers of logs that only look like it."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from platform_instrument.privacy import find, mask, mask_attribute
from platform_instrument.privacy.clean_lines import LONGEST
from platform_instrument.privacy.labels import Labels
from tests.privacy.linear import assert_linear, cost

CARD, IBAN, EMAIL, PHONE = "4539 1488 0343 6467", "DE89 3704 0044 0532 0130 00", "bob@example.com", "+49 30 1234567"
VALUES = (CARD, CARD.replace(" ", "-"), IBAN, IBAN.lower(), EMAIL, PHONE, "jörg@münchen.de", "用户@例子.公司")
NO_BREAK, NARROW, DASH, EN_DASH = "\u00a0", "\u202f", "\u2011", "\u2013"


def hex_entity(text: str) -> str:
    return "".join(character if character.isalnum() else f"&#x{ord(character):x};" for character in text)


WRITINGS = {
    "URL": lambda value: f"/pay?value={quote(value, safe='')}&x=1",
    "form": lambda value: f"value={quote_plus(value)}&x=1",
    "URL, twice": lambda value: f"next=/pay%3Fvalue%3D{quote(quote(value, safe=''), safe='')}%26x%3D1",
    "JSON": lambda value: json.dumps({"value": value}),
    "JSON in JSON": lambda value: json.dumps({"body": json.dumps({"value": [value]})}),
    "JSON in JSON in JSON": lambda value: json.dumps({"a": json.dumps({"body": json.dumps({"value": value})})}),
    "repr": lambda value: repr({"value": value}),
    "ascii": lambda value: ascii({"value": value}),
    "HTML": lambda value: f"<td>{escape(value).replace('@', '&#64;').replace(' ', '&nbsp;')}</td>",
    "HTML, hexadecimal": lambda value: hex_entity(f"to {value}"),
    "escaped line": lambda value: f"first\\n{value}\\nlast",
    "SQL comment": lambda value: f"SELECT 1 /* {value} */ -- {value}",
}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_found_however_it_is_escaped_and_the_escapes_go_with_it(writing: str, value: str) -> None:
    text = WRITINGS[writing](value)
    masked = mask(text)
    count = 2 if writing == "SQL comment" else 1
    assert sum(masked.count(f"[{kind}]") for kind in ("card", "iban", "email", "phone")) == count, masked
    assert masked.startswith(text[:2])
    assert mask(masked) == masked


@pytest.mark.parametrize("gap", [NO_BREAK, NARROW, DASH, EN_DASH, "\u2009", "\u2212"])
def test_gaps_of_all_kinds_group_a_number(gap: str) -> None:
    for text, kind in ((CARD, "card"), (IBAN, "iban"), ("SSN 536 22 8726", "us_ssn"), ("phone 415-555-0132", "phone")):
        written = text.replace("-", gap) if kind == "phone" else gap.join(text.split(" "))
        assert f"[{kind}]" in mask(f"for {written}, ok".replace(f"SSN{gap}", "SSN "))


@pytest.mark.parametrize("zero", [0x660, 0x6F0, 0x966, 0xFF10])
def test_digits_of_all_scripts_are_digits(zero: int) -> None:
    digits = {48 + digit: zero + digit for digit in range(10)}
    assert mask(f"card {CARD.translate(digits)} declined") == "card [card] declined"
    assert mask(f"ring {PHONE.translate(digits)}") == "ring [phone]"
    assert mask("card 4539 1488 0343 64\U000104a6\U000104a7")  # of a script that nobody knows: no fault


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"url":"http://h:80","email":"bob@example.com"}', '{"url":"http://h:80","email":"[email]"}'),
        ('"john doe"@example.com', "[email]"),
        ('mail "john doe"@example.com', "mail [email]"),
        ("mail d'arcy@example.com, b'bob@example.com'", "mail [email], b'[email]'"),
        ("x{y}@example.com", "x{y[email]"),
        ("bob@[192.168.1.1] was", "[email] was"),
        ("<mailto:bob@example.com>.", "<mailto:[email]>."),
        (f"{CARD} {CARD}", "[card] [card]"),
        (f"{CARD.replace(' ', '')} {CARD}", "[card] [card]"),
        (f"2024-01-02 {CARD}", "2024-01-02 [card]"),
        (f"{IBAN.replace(' ', '')} GB82WEST12345698765432", "[iban] [iban]"),
        ("de89370400440532013000 is the account", "[iban] is the account"),
        ("IBANDE89370400440532013000", "IBAN[iban]"),
        ("card 4539148803436467-declined", "card [card]-declined"),
        ("卡号card4539148803436467。", "卡号card4539148803436467。"),
        ("To=+14155550132", "To=[phone]"),
        ('{"phone_number":"07700 900123"}', '{"phone_number":"[phone]"}'),
        ('{"phoneNumber":"912 345 678"}', '{"phoneNumber":"[phone]"}'),
        ("<tel>030/901820</tel>", "<tel>[phone]</tel>"),
        ("https://wa.me/14155550132?text=hi", "https://wa.me/[phone]?text=hi"),
        ("tel:+1-415-555-0132;ext=42", "tel:[phone]"),
        ("Phone: 415-555-0132 ext. 55", "Phone: [phone]"),
        ("msisdn=%2B49+30+901820&x=1", "msisdn=[phone]&x=1"),
        ("电话: 13800138000", "电话: [phone]"),
        ("Tel.: 030 / 90 18 20", "Tel.: [phone]"),
        ("ph: 415 555 0132, contact no 9876543210", "ph: [phone], contact no [phone]"),
        ("card no.4539148803436467", "card no.[card]"),
        ("customerSsn=536228726", "customerSsn=[us_ssn]"),
        ("us_ssn: 536.22.8726", "us_ssn: [us_ssn]"),
        ("his ssn+is+536+22+8726", "his ssn+is+[us_ssn]"),
    ],
)
def test_values_as_they_are_written(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        '10.0.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET /cart HTTP/1.1" 200 12 1534',
        "procs 1 0 123 45 6789 200 12 1534",
        "Started user@1000.service, getty@tty1.service and session-3.scope",
        "react@18.3.0-canary.abc lodash@4.17.21",
        "y = x@self.weight.T + b @ c.bias",
        "1024 2048 4096 5120 4539 1488 0343 6467 12 13 14 15 16",
        "5396  6239  8505  3434  8648",
        "card updated_at=1700000000005 card_ts=20240101120000",
        "be71 0961 2345 676a be71a961234567ff",
        "phones_count=12345678 cell_id=12345678 hotel: 12345678 telemetry 12345678",
        "imported 1500000 phone numbers",
        "mobile version 13.3.265.1050, sms gateway 192.168.100.200, phone: 2024-01-02",
        "phone-9318814987-px32f",
        "position +60.4359-175.8023/",
        "last call at 1700000000 and called at 20240102",
        "discard 4539148803436467",
        'bytes_total{path="/v1"} 601213 1467522258807',
        "cloning git+ssh://git@github.com/a/b.git",
    ],
)
def test_what_logs_are_full_of_stays(text: str) -> None:
    assert mask(text) == text


def test_values_that_overlap_are_one_whatever_they_hold() -> None:
    from platform_instrument.privacy import pii
    from platform_instrument.privacy.custom import custom
    from platform_instrument.privacy.labels import DEFAULT

    pii.use(Labels(DEFAULT), custom((r"a{1,9}bc{1,9}", r"b", r"cc[ ]d"))[0])
    try:
        assert mask("x aabcc d y") == "x [custom] y"
    finally:
        pii.use(Labels(DEFAULT))


@pytest.mark.parametrize(
    "document",
    [
        {"body": json.dumps({"card": 4539148803436467, "cards": [1, 4539148803436467]})},
        {"phone": 4155550132, "deep": [{"card": 4539148803436467}]},
        {"link": json.dumps("https://h.example/?token=abcdef"), "card": "4539148803436467"},
        {"mixed": json.dumps(["card: b", 4539148803436467])},
        {"password": 12.5, "text": "card: 4539148803436467, new"},
        [4539148803436467, "card 4539148803436467"],
    ],
)
def test_json_stays_json(document: object) -> None:
    for written in (json.dumps(document), json.dumps(document, separators=(",", ":")), json.dumps(document, indent=2)):
        masked = mask(written)
        assert "4539148803436467" not in masked
        read = json.loads(masked)
        if isinstance(read, dict) and "body" in read:
            assert json.loads(read["body"])["card"] == "[card]"
        prefixed = mask(f"INFO {written}")
        if isinstance(document, dict):
            assert json.loads(prefixed[5:]) == read


@pytest.mark.parametrize("value", [CARD, IBAN, EMAIL, PHONE])
def test_a_value_at_the_end_of_what_leaves_is_hidden_whole(value: str) -> None:
    for part in range(1, len(value) + 1):
        text = "x" * (LONGEST - part - 1) + f" {value} " + "y" * 3000
        masked = mask(text)
        assert value[:2] not in masked[LONGEST - 60 :]
        assert len(masked) <= LONGEST
        assert mask(masked) == masked


def test_a_pseudonym_is_of_the_value_and_not_of_its_writing() -> None:
    labels = Labels({"email": "hash", "card": "hash"}, "key")
    for writings in ((EMAIL, "BOB%40example.com", "bob&#64;example.com", "bob\\u0040example.com"), (CARD, quote(CARD))):
        assert len({mask(writing, labels) for writing in writings}) == 1


def test_a_label_is_no_word_for_the_next_number() -> None:
    text = f'{{"paid":["{CARD}","4539148803436467"],"by":["{PHONE}","5551234567"]}}'
    masked = mask(text)
    assert mask(masked) == masked


def test_a_label_in_a_query_stays_as_it_is() -> None:
    masked = mask_attribute("url.query", "PASS=0#")
    assert masked != "PASS=0#"
    assert mask_attribute("url.query", masked) == masked
    for text in ("?PASS=00000#`", "?PASS=00000#."):
        assert mask(mask(text)) == mask(text)


def test_a_pseudonym_of_nothing_but_digits_stays() -> None:
    for text in ("[phone:123456789012] x", "card [card:453914880340]", "tel [phone:415555013212], [us_ssn:536228726111]"):
        assert mask(text) == text


@pytest.mark.parametrize(("on", "off"), [("\x1b[1;35m", "\x1b[0m"), ("\\u001b[35m", "\\u001b[0m"), ("\\x1b[35m", "\\x1b[0m")])
def test_colours_of_a_terminal_stay_and_hide_nothing(on: str, off: str) -> None:
    for value, kind in ((CARD, "card"), (IBAN, "iban"), (EMAIL, "email"), (PHONE, "phone")):
        assert mask(f"by {on}{value}{off} now") == f"by {on}[{kind}]{off} now"
    assert mask(f"{on}card{off}={on}{CARD.replace(' ', '')}{off}") == f"{on}card{off}={on}[card]{off}"


def test_where_a_value_is_told_in_the_text_as_it_is_written() -> None:
    text = "a=1&mail=bob%2540example.com&x=%41"
    assert [text[found.start : found.end] for found in find(text)] == ["bob%2540example.com"]


@pytest.mark.parametrize(
    "unit",
    ["%40", "%25", "%2540", "\\", "\\u0040", "&amp;", "&#64;", "%E2%80%91", "٤ ", "1 1-", "de89 ", '"a@', "[4539148803436467,"],
)
def test_escapes_take_time_in_proportion_to_length(unit: str) -> None:
    assert_linear(mask, unit, 100_000)
    assert cost(mask, unit * (100_000 // len(unit))) < 0.25
