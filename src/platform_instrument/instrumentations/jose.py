"""python-jose: claims of tokens that it has verified become attributes of the request; not observed.

Only with claims named in the settings. Source: jose/jwt.py (3.3 to 3.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.telemetry.facts_claimed import take, verifies

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def decoded(call: Call, claims: Any) -> None:  # noqa: ANN401 - a dict
    """Take the claims, unless the signature was left unverified."""
    if verifies(call.argument(3, "options")):
        take(claims)


INSTRUMENTATION = Instrumentation(
    name="jose",
    requires="python-jose>=3.3,<4",
    patches=(EditResult("jose.jwt:decode", decoded),),
    modules=("jose",),
    settings=("span_attributes_from_claims",),
)
