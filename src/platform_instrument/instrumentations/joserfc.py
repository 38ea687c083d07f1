"""joserfc: claims of tokens that it has verified, and that are not expired, become attributes of the request; not observed.

A registry of claims, which may be asked afterwards, is given a dict that tells nothing of its token: so they are taken when the
signature is right, by the token's own times. Only with claims named in the settings. Source: joserfc/jwt.py (1.0 to 1.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.telemetry.facts_claimed import in_time, signed, take

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def decoded(_call: Call, token: Any) -> None:  # noqa: ANN401 - joserfc.jwt.Token
    """Take the claims of a token that was signed, and is in its time."""
    if signed(token.header) and in_time(token.claims):
        take(token.claims)


INSTRUMENTATION = Instrumentation(
    name="joserfc",
    requires="joserfc>=1.0,<2",
    patches=(EditResult("joserfc.jwt:decode", decoded),),
    modules=("joserfc",),
    settings=("span_attributes_from_claims",),
)
