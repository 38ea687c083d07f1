"""The door through which every attribute, name and message leaves: what is secret becomes a mask.

What a value may hold is known by its key, once a key; most values are let through by one cheap test. Idempotent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from platform_instrument.privacy.clean_lines import LONGEST
from platform_instrument.privacy.labels import SECRET
from platform_instrument.privacy.names import NUMBER, ONLY_KEY, STRONG, secrecy
from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.pii import mask, mask_tokens
from platform_instrument.privacy.sql import is_sanitized, known_sql
from platform_instrument.privacy.urls import redact_query, redact_url

Rule: TypeAlias = Callable[[str], str]

_MOST_KEYS = 2_048
_DEEPEST = 4
_MOST_BITS = 8_192
"""Beyond these CPython refuses to write an integer."""

_EXEMPT = ("service.", "k8s.", "host.", "telemetry.", "code.", "os.")
_EXEMPT_KEYS = frozenset(("http.route", "trace_id", "span_id"))
_ADDRESSES = frozenset(("client.address", "server.address", "network.peer.address"))
_PEOPLE = frozenset(("user", "enduser", "tenant", "customer", "account", "member", "owner", "person", "client", "contact"))
"""Whose ids may be what they are written to by."""
_URLS = frozenset(("url.full", "url.original", "http.url", "http.target", "url.path", "url.fragment"))
_STATEMENTS = frozenset(("db.query.text", "db.statement"))
_PARAMETERS = ("db.query.parameter.", "db.operation.parameter.", "db.statement.parameters")
_QUOTES = ("'", '"', "$$")

_HOST = Pattern(r"(?=.{1,255}\Z)(?:[\w-]{1,63}\.){0,32}[\w-]{1,63}\.?|\[?[0-9a-fA-F:.]{2,45}(?:%\w{1,16})?\]?|/[\w./-]{1,255}")

_NUMBER_NAME = Pattern(
    r"(?i)card|credit|debit|visa|amex|pan\b|phone|mobile|cell|tel\b|fax|sms|msisdn|iban|ssn|social|tax|tin\b|dni|nie\b|nif"
)
"""The name of a number that a person has, which as a bare run of digits could be any other."""
_LONGEST_NAME = 64

_SQL = Pattern(
    r"(?i)\s*(?:/\*|--|\(?\s*(?:select|insert|update|delete|merge|replace|with|create|alter|drop|truncate|grant|revoke|call|execute"
    r"|explain|values|copy|declare|from)\s|set\s+\S+(?:\s+\S+)?\s*(?:=|to\s))"
)


def mask_attribute(key: str, value: Any) -> Any:  # noqa: ANN401 - an attribute value
    """Return what may leave under this key; texts, whole numbers and sequences of them change. Never raises."""
    if type(value) is str:
        rule = _rules.get(key)
        return (rule or _learn(key))(value)
    if isinstance(value, (str, int, list, tuple)):
        return _masked(_rules.get(key) or _learn(key), value, _DEEPEST)
    return value


def _masked(rule: Rule, value: Any, deepest: int) -> Any:  # noqa: ANN401 - an attribute value
    if isinstance(value, str):
        return rule(str.__str__(value))
    if isinstance(value, (list, tuple)):
        return [_masked(rule, item, deepest - 1) for item in value] if deepest else []
    if type(value) is int and rule not in _OF_TEXTS:
        text = str(value) if value.bit_length() < _MOST_BITS else ""
        masked = rule(text)
        return value if masked == text else masked
    return value


def _learn(key: str) -> Rule:
    if len(_rules) >= _MOST_KEYS:
        _rules.clear()
    rule = _rules[key] = _rule(key)
    return rule


def _rule(key: str) -> Rule:  # noqa: PLR0911 - one return a kind
    if key.startswith(_EXEMPT) or key in _EXEMPT_KEYS:
        return _as_it_is
    if key in _ADDRESSES:
        return _address
    if key in _URLS:
        return mask_url
    if key == "url.query":
        return _query
    if key in _STATEMENTS:
        return _statement
    if key.startswith(_PARAMETERS) or key == "db.user":
        return _whole
    if key.endswith((".id", ".name")):
        return mask if key.endswith(".name") else _person if key.split(".")[-2] in _PEOPLE else mask_tokens
    space, _, name = key.rpartition(".")
    said = secrecy(name)
    if said and not (space and said == ONLY_KEY):  # `aws.s3.key` and `error.code` are no secrets
        return _whole if said in (STRONG, NUMBER) else _whole_text
    return _beside(key) if _NUMBER_NAME.compiled().search(key) else mask


def mask_name(name: str) -> str:
    """Return the name of an attribute, masked; applications make names of what they were given."""
    known = _names.get(name)
    if known is None:
        if len(_names) >= _MOST_KEYS:
            _names.clear()
        known = mask(name)
        if known == name:
            _names[name] = known
    return known


def _beside(key: str) -> Rule:
    """Return a rule by which a value is read as in a text, with its name beside it."""
    name = " ".join(key[-_LONGEST_NAME:].replace(".", " ").replace("_", " ").split()) + ": "

    def beside(text: str) -> str:
        masked = mask(name + text)
        return masked[len(name) :] if masked.startswith(name) else mask(text)

    return beside


def _as_it_is(text: str) -> str:
    return text


def _address(text: str) -> str:
    """Return a host's name or address as it is, which joins need; proxies and clients may say anything in its place."""
    return mask_tokens(text) if _HOST.fullmatch(text) else mask(text)


def _person(text: str) -> str:
    """Return the id of somebody: digits alone are one, an address or a telephone number is masked."""
    return text if text.isdecimal() else mask(text)


def _whole(_text: str) -> str:
    return SECRET


def _whole_text(_text: str) -> str:
    """Return the label under a name that says many things: `ticket` and `session` may be numbers that are counted."""
    return SECRET


def mask_url(text: str) -> str:
    """Return a URL without credentials, secrets and personal data."""
    return mask(redact_url(text[:LONGEST]))


def _query(text: str) -> str:
    return mask(f"?{redact_query(text[:LONGEST])}")[1:]


def _statement(text: str) -> str:
    """Return a statement of another instrumentation without literals; what we made is without them already.

    What has quotes is read as SQL too, whatever language it is in: that hides what is between them.
    """
    if is_sanitized(text):
        return text
    if _SQL.compiled().match(text) or any(quote in text for quote in _QUOTES):
        return known_sql(text, "").text
    return mask(text)


_OF_TEXTS = frozenset((_as_it_is, _whole_text, _address, mask, mask_tokens, mask_url, _person, _query, _statement))
"""Rules that find nothing in a number."""

_rules: dict[str, Rule] = {}
_names: dict[str, str] = {}
