"""The door through which every attribute, name and message leaves: what is secret becomes a mask.

What a value may hold is known by its key, once a key; most values are let through by one cheap test. Idempotent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from platform_instrument.privacy.labels import SECRET
from platform_instrument.privacy.names import is_secret_name
from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.pii import LONGEST, mask, mask_tokens
from platform_instrument.privacy.sql import is_sanitized, known_sql
from platform_instrument.privacy.urls import redact_query, redact_url

Rule: TypeAlias = Callable[[str], str]

_MOST_KEYS = 2_048
_DEEPEST = 4

_EXEMPT = ("service.", "k8s.", "host.", "telemetry.", "code.", "os.")
_EXEMPT_KEYS = frozenset(("http.route", "trace_id", "span_id", "client.address", "server.address", "network.peer.address"))
_URLS = frozenset(("url.full", "url.original", "http.url", "http.target", "url.path", "url.fragment"))
_STATEMENTS = frozenset(("db.query.text", "db.statement"))

_SQL = Pattern(
    r"(?i)\s*(?:/\*|--|\(?\s*(?:select|insert|update|delete|merge|replace|with|create|alter|drop|truncate|grant|revoke|call|execute"
    r"|explain|values|copy|declare|from)\s|set\s+\S+(?:\s+\S+)?\s*(?:=|to\s))"
)


def mask_attribute(key: str, value: Any) -> Any:  # noqa: ANN401 - an attribute value
    """Return what may leave under this key; only texts and sequences of them change. Never raises."""
    if type(value) is str:
        rule = _rules.get(key)
        return (rule or _learn(key))(value)
    if isinstance(value, (str, list, tuple)):
        return _masked(_rules.get(key) or _learn(key), value, _DEEPEST)
    return value


def _masked(rule: Rule, value: Any, deepest: int) -> Any:  # noqa: ANN401 - an attribute value
    if isinstance(value, str):
        return rule(str.__str__(value))
    if isinstance(value, (list, tuple)):
        return [_masked(rule, item, deepest - 1) for item in value] if deepest else []
    return value


def _learn(key: str) -> Rule:
    if len(_rules) >= _MOST_KEYS:
        _rules.clear()
    rule = _rules[key] = _rule(key)
    return rule


def _rule(key: str) -> Rule:  # noqa: PLR0911 - one return a kind
    if key.startswith(_EXEMPT) or key in _EXEMPT_KEYS:
        return _as_it_is
    if key in _URLS:
        return mask_url
    if key == "url.query":
        return _query
    if key in _STATEMENTS:
        return _statement
    if key.endswith((".id", ".name")):
        return mask_tokens if key.endswith(".id") else mask
    if is_secret_name(key.rpartition(".")[2]):
        return _whole
    return mask


def _as_it_is(text: str) -> str:
    return text


def _whole(_text: str) -> str:
    return SECRET


def mask_url(text: str) -> str:
    """Return a URL without credentials, secrets and personal data."""
    return mask(redact_url(text[:LONGEST]))


def _query(text: str) -> str:
    return mask(redact_query(text[:LONGEST]))


def _statement(text: str) -> str:
    """Return a statement of another instrumentation without literals; what we made is without them already."""
    if is_sanitized(text):
        return text
    return known_sql(text, "").text if _SQL.compiled().match(text) else mask(text)


_rules: dict[str, Rule] = {}
