"""Authlib: claims of tokens that it has verified and validated become attributes of the request; not observed.

`decode` verifies the signature, `validate()` what the claims say of time, audience and issuer: both have to be content. Newer
parts of it have joserfc verify. Only with claims named in the settings. Source: authlib/jose/rfc7519/ (1.0 to 1.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.telemetry.facts_claimed import signed, take

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def decoded(_call: Call, claims: Any) -> None:  # noqa: ANN401 - authlib.jose.JWTClaims, or the application's class
    """Note that claims come of a token whose signature is right: they can be made of anything else as well."""
    if signed(getattr(claims, "header", None)):
        _DECODED[id(claims)] = claims


def validated(call: Call, _result: None) -> None:
    """Take claims that come of such a token."""
    if _DECODED.get(id(call.instance)) is call.instance:
        take(call.instance)


_DECODED: WeakValueDictionary[int, Any] = WeakValueDictionary()

INSTRUMENTATION = Instrumentation(
    name="authlib",
    requires="authlib>=1.0,<2",
    patches=(
        EditResult("authlib.jose.rfc7519.jwt:JsonWebToken.decode", decoded),
        EditResult("authlib.jose.rfc7519.claims:JWTClaims.validate", validated),
        EditResult("authlib.oidc.core.claims:IDToken.validate", validated, optional=True),
    ),
    modules=("authlib",),
    settings=("span_attributes_from_claims",),
)
