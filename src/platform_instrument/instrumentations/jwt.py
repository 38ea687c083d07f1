"""PyJWT: claims of tokens whose signature it has verified become attributes of the request; not observed.

Its last step, which `jwt.decode`, `jwt.decode_complete` and both methods take when the signature is right: what the claims say
of time, audience and issuer. Only with claims named in the settings. Source: jwt/api_jwt.py (2.0 to 2.15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.telemetry.facts_claimed import take, verifies

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def validated(call: Call, _result: None) -> None:
    """Take the claims, unless the signature was left unverified."""
    if verifies(call.argument(2, "options")):
        take(call.argument(1, "payload"))


INSTRUMENTATION = Instrumentation(
    name="jwt",
    requires="pyjwt>=2.0,<3",
    patches=(EditResult("jwt.api_jwt:PyJWT._validate_claims", validated),),
    modules=("jwt",),
    settings=("span_attributes_from_claims",),
)
