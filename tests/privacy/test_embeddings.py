"""No value that is certain survives where it is written in another text, however often that one is escaped."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus, unquote

import pytest

from platform_instrument.privacy import mask
from tests.privacy.planted import EMAIL, JWT, PRIVATE_KEY, TOKEN

_PART = "Zq7aB2cD3eF4"
_KEY = base64.b64encode(bytes(range(7, 200))).decode()
VALUES = {
    "email": EMAIL,
    "card in groups": "4539 1488 0343 6467",
    "card beside a word": "card 4539148803436467",
    "iban in groups": "DE89 3704 0044 0532 0130 00",
    "iban": "DE89370400440532013000",
    "us_ssn": "SSN 536-22-8726",
    "cpf": "529.982.247-25",
    "codice fiscale": "RSSMRA85T10A562S",
    "nir": "1 85 05 78 006 084 91",
    "jwt": JWT,
    "GitHub": TOKEN,
    "Amazon": "AKIA" + "2E0A8F3B244C9986",
    "Slack": f"https://hooks.slack.com/services/T{'0' * 8}/B{'0' * 8}/{_PART * 2}",
    "Google": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "Stripe": f"sk_live_{_PART * 2}",
    "Facebook": f"123456789012345|{_PART * 2}abc",
    "Telegram": f"1234567890:AA{_PART * 2}abcdefghi",
    "private key": PRIVATE_KEY,
    "RSA key": f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{_KEY}\n-----END RSA {'PRIVATE'} KEY-----",
}


def _entities(value: str, form: str, *, every: bool = False) -> str:
    return "".join(form.format(ord(one)) if every or not one.isalnum() else one for one in value)


EMBEDDINGS = {
    "JSON": lambda value: json.dumps({"a": value}),
    "JSON in JSON": lambda value: json.dumps({"b": json.dumps({"a": value})}),
    "JSON, three times": lambda value: json.dumps({"c": json.dumps({"b": json.dumps({"a": [value]})})}),
    "strings of JSON, four times": lambda value: json.dumps(json.dumps(json.dumps(json.dumps({"a": value})))),
    "URL": lambda value: f"/p?x={quote(value, safe='')}&y=1",
    "URL, twice": lambda value: f"/p?x={quote(quote(value, safe=''), safe='')}&y=1",
    "URL, three times": lambda value: "/p?n=" + quote("/q?x=" + quote(quote(value, safe=""), safe=""), safe=""),
    "form": lambda value: f"a=1&x={quote_plus(value)}",
    "path": lambda value: f"/v1/{quote(value, safe='')}/x",
    "repr": lambda value: repr({"a": value}),
    "repr of repr": lambda value: repr(repr({"a": value})),
    "bytes": lambda value: repr(value.encode()),
    "ascii": lambda value: ascii([value]),
    "HTML": lambda value: f"<p>{html.escape(value)}</p>",
    "HTML, every sign": lambda value: _entities(value, "&#{};"),
    "HTML, hexadecimal": lambda value: _entities(value, "&#x{:X};"),
    "HTML, every letter": lambda value: _entities(value, "&#{};", every=True),
    "JSON in HTML": lambda value: html.escape(json.dumps({"a": value})),
    "JSON in a URL": lambda value: quote(json.dumps({"a": value})),
    "URL in JSON": lambda value: json.dumps({"u": "https://h/?x=" + quote(value)}),
    "escapes of JSON, every letter": lambda value: _entities(value, "\\u{:04x}", every=True),
    "escapes of URLs, every letter": lambda value: _entities(value, "%{:02X}", every=True),
    "comment of SQL": lambda value: f"SELECT 1 /* {value} */",
    "line comment of SQL": lambda value: f"SELECT 1 -- {value}",
    "CDATA": lambda value: f"<a><![CDATA[{value}]]></a>",
    "line": lambda value: f"a\n{value}\nb",
    "escaped line": lambda value: f"a\\n{value}\\nb",
    "brackets": lambda value: f"[{value}]",
    "logfmt": lambda value: f'level=info msg="got {value}" n=1',
    "JSON in a line": lambda value: "INFO " + json.dumps({"m": f"got {value}"}) + " done",
    "digits of another width": lambda value: value.translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
}


def decoded(text: str) -> str:
    for _ in range(4):
        text = html.unescape(unquote(text).replace("\\\\", "\\"))
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda escape: chr(int(escape[1], 16)), text).replace("\\n", "\n")
    return text.translate({0xFF10 + digit: 48 + digit for digit in range(10)})


def bare(text: str) -> str:
    return re.sub(r"[\s().+/-]", "", text)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("kind", VALUES)
def test_no_value_survives_an_embedding(kind: str, embedding: str) -> None:
    value = VALUES[kind].removeprefix("card ").removeprefix("SSN ")
    masked = mask(EMBEDDINGS[embedding](VALUES[kind]))
    sought, left = bare(value)[30 if "-----" in value else 0 :][:60], bare(decoded(masked))
    run = len(sought) // 2 + 1
    assert not any(sought[at : at + run] in left for at in range(len(sought) - run + 1)), masked
    assert mask(masked) == masked
