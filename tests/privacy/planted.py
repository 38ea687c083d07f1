"""Values that must not leave, made when the tests run, and the search for them in whatever form they are written."""

from __future__ import annotations

import base64
import html
import json
from dataclasses import dataclass
from urllib.parse import quote, quote_plus


def _segment(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


EMAIL = "ada.zq7lovelace@plants-example.org"
PHONE = "+44 20 7946 0958"
CARD = "4539 1488 0343 6467"
IBAN = "GB82 WEST 1234 5698 7654 32"
SSN = "536-22-1234"
JWT = (
    f"{_segment({'alg': 'HS256', 'typ': 'JWT'})}.{_segment({'sub': 'zq7lovelace', 'admin': True})}.{_segment('zq7signature' * 3)}"
)
TOKEN = "ghp_" + "Zq7aB2cD3eF4" * 3
PASSWORD = "Zq7-correct-horse-9"
KEY_BODY = base64.b64encode(bytes(range(7, 103))).decode()
PRIVATE_KEY = f"-----BEGIN {'PRIVATE'} KEY-----\n{KEY_BODY}\n-----END {'PRIVATE'} KEY-----"
MARKER = "zq7marker"

SENTENCE = (
    f"write to {EMAIL} or call {PHONE}, card {CARD}, iban {IBAN}, ssn {SSN}, jwt {JWT}, token {TOKEN}, password={PASSWORD}, "
    f"key {PRIVATE_KEY} and so on"
)
"""A text with a value of every kind that its form or a word beside it makes known."""

ONE_LINE = SENTENCE.replace("\n", "")
"""The same where no line break may be."""

VALUES = {
    "sentence": SENTENCE,
    "one_line": ONE_LINE,
    "marker": MARKER,
    "email": EMAIL,
    "phone": PHONE,
    "card": CARD,
    "iban": IBAN,
    "ssn": SSN,
    "jwt": JWT,
    "token": TOKEN,
    "password": PASSWORD,
}

_SOUGHT = {
    "email": EMAIL,
    "phone": PHONE,
    "card": CARD,
    "iban": IBAN,
    "ssn": SSN,
    "jwt": JWT,
    "jwt's claims": JWT.split(".")[1],
    "token": TOKEN,
    "password": PASSWORD,
    "private key": KEY_BODY,
    "marker": MARKER,
}
KINDS_SOUGHT = tuple(_SOUGHT)
_AROUND = 120


@dataclass(frozen=True)
class Finding:
    """A value, and what stands around it."""

    kind: str
    around: str


def _writings(value: str) -> set[str]:
    """Return the forms in which a value may be written."""
    forms = {value, value.replace(" ", ""), value.replace("-", ""), value.replace(" ", "").replace("+", "")}
    for form in tuple(forms):
        forms |= {
            quote(form, safe=""),
            quote(form),
            quote_plus(form),
            json.dumps(form)[1:-1],
            repr(form)[1:-1],
            html.escape(form),
        }
        forms |= {base64.b64encode(form.encode()).decode().rstrip("="), form.encode().hex(), form.upper(), form.lower()}
    return forms


_FORMS = {kind: sorted(_writings(value)) for kind, value in _SOUGHT.items()}


def found_in(text: str, *kinds: str) -> list[Finding]:
    """Return the values in a text, of these kinds or of all."""
    found = []
    for kind in kinds or _FORMS:
        for form in _FORMS[kind]:
            at = text.find(form)
            if at >= 0:
                found.append(Finding(kind, text[max(at - _AROUND, 0) : at + len(form) + _AROUND]))
                break
    return found
