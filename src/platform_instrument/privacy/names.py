"""Names that say that a secret follows: of query parameters, headers, attributes, fields."""

from __future__ import annotations

import re

from platform_instrument.privacy.patterns import Pattern

_MOST_KNOWN = 4_096
_LONGEST = 128

_SECRET = Pattern(
    r"(?:^|_)(?:pass(?:word|wd|phrase|code|key)?\d?|pwd\d?|secret(?:_?key)?(?:_id)?|(?:[a-z0-9]*)?token|jwt|sig|signature|assertion"
    r"|credentials?|auth|authorization|cookie|session(?:_?(?:id|key|token))?|[a-z]*sessid|sid|otp|pin|cvv|cvc|csrf\w*|xsrf\w*"
    r"|(?:api|access|secret|private|auth|encryption|signing|subscription|account|master|shared_?access|aws_?access|client)_?key"
    r"(?:_?id)?|code_verifier|saml(?:response|request)|ticket)$"
    r"|^(?:key|code)$|(?:password|passwd|secret|token|apikey|signature)$"
)
"""Matched with a name in lower case whose words are joined by underscores."""

_known: dict[str, bool] = {}


def is_secret_name(name: str) -> bool:
    """Say whether what stands under this name is a secret: `password`, `X-Amz-Signature`, `user[token]`, `apiKey`."""
    known = _known.get(name)
    if known is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[name] = _is_secret(name)
    return known


def _is_secret(name: str) -> bool:
    if "%" in name:
        from urllib.parse import unquote_plus  # heavy, and few names need it

        name = unquote_plus(name)
    name = name[-_LONGEST:].lower().rstrip("]").rpartition("[")[2]
    return _SECRET.compiled().search(re.sub(r"\W+", "_", name)) is not None
