"""The claims of verified tokens that the settings want to be known of a request, as its headers are.

Only what a library has verified with a key of the service's comes here. Of two tokens the first one says a name; a token wins
over what the caller says itself, in a header or in baggage, and what the service has said stays.
"""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.facts import LONGEST, attribute_of, facts_of, note

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings

MOST_ITEMS = 16
"""Texts that are taken of a claim that is a list; together they have at most `facts.LONGEST` characters."""

_NUMBERS = frozenset((int, float))
_SCALARS = _NUMBERS | {str, bool}


class _Wanted:
    """What the settings name."""

    claims: tuple[tuple[str, tuple[str, ...], str], ...] = ()
    """Each claim, the steps of its path, the attribute that it becomes."""
    callers: frozenset[str] = frozenset()
    """The attributes that come of headers and baggage."""


def put_in_force(settings: Settings) -> None:
    """Take the claims that the settings name from now on."""
    named = [attribute_of(item) for item in settings.span_attributes_from_claims]
    _Wanted.claims = tuple([(claim, tuple(claim.split(".")), attribute) for claim, attribute in named])
    said = (*settings.span_attributes_from_headers, *settings.span_attributes_from_baggage)
    _Wanted.callers = frozenset([attribute_of(item)[1] for item in said])


def verifies(options: Any) -> bool:  # noqa: ANN401 - the options of PyJWT and python-jose, None for the defaults
    """Say whether a token's signature is verified under these options."""
    return options is None or bool(options.get("verify_signature", True))


def signed(header: Any) -> bool:  # noqa: ANN401 - a token's header
    """Say whether a token that was accepted was signed: anybody can make one that is encrypted, or of algorithm `none`."""
    return isinstance(header, dict) and "enc" not in header and str(header.get("alg", "none")).lower() != "none"


def in_time(claims: Any) -> bool:  # noqa: ANN401 - a token's claims
    """Say whether a token is neither expired nor for later, by its own word: for libraries that leave that to another step."""
    now = time()
    begins, ends = claims.get("nbf", now), claims.get("exp", now + 1)
    return type(begins) in _NUMBERS and type(ends) in _NUMBERS and begins <= now < ends


def take(claims: Any) -> None:  # noqa: ANN401 - as above
    """Note the claims of a token that the service has verified; outside of a request nothing."""
    current = CURRENT.get()
    facts = None if current is None else facts_of(current)
    if facts is None or not isinstance(claims, dict):
        return
    for claim, steps, attribute in _Wanted.claims:
        if attribute in facts.claimed or (attribute in facts.attributes and attribute not in _Wanted.callers):
            continue
        value = _plain(claims[claim] if claim in claims else _at(claims, steps))
        if value is not None:
            facts.claimed.add(attribute)
            note(facts, attribute, value)


def _at(claims: Any, steps: tuple[str, ...]) -> Any:  # noqa: ANN401 - as above
    """Return what is at the end of a path, None where it leads nowhere."""
    for step in steps:
        if not isinstance(claims, dict) or step not in claims:
            return None
        claims = claims[step]
    return claims


def _plain(value: Any) -> Any:  # noqa: ANN401 - the value of a claim
    """Return a text, a number or a truth value as it is, of a list its texts, of anything else nothing."""
    if type(value) is not list:
        return value if type(value) in _SCALARS else None
    kept, room = [], LONGEST
    for text in value[:MOST_ITEMS]:
        if type(text) is str and len(text) <= room:
            kept.append(text)
            room -= len(text)
    return tuple(kept) or None
