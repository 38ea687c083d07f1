"""Secrets by their shape: what can be nothing but a token, a key or a private key.

Shapes: the documentation of the services that give them out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_instrument.privacy.detector import Detector, matches
from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHAPES = (
    (r"A[KSB]IA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),  # Amazon
    (r"gh[pousr]_", r"[A-Za-z0-9]{20,}"),  # GitHub
    (r"github_pat_", r"\w{22,}"),
    (r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas)-", r"[\w.-]{20,}"),  # GitLab
    (r"glsa_", r"\w{32,}"),  # Grafana
    (r"xox[abeoprs]-", r"[\w-]{10,}"),  # Slack
    (r"xapp-", r"\d-[\w-]{10,}"),
    (r"[srp]k_(?:live|test)_", r"\w{10,}"),  # Stripe
    (r"whsec_", r"[\w+/=]{20,}"),
    (r"sk-", r"[A-Za-z0-9_-]{20,}"),  # OpenAI, Anthropic
    (r"AIza", r"[\w-]{35}"),  # Google
    (r"ya29\.", r"[\w-]{20,}"),
    (r"GOCSPX-", r"[\w-]{20,}"),
    (r"1//0", r"[\w-]{30,}"),
    (r"npm_", r"[A-Za-z0-9]{30,}"),  # registries
    (r"pypi-", r"[\w-]{30,}"),
    (r"dckr_(?:pat|oat)_", r"[\w-]{20,}"),
    (r"hf_", r"[A-Za-z]{30,}"),
    (r"rubygems_", r"[a-f0-9]{40,}"),
    (r"do[opr]_v1_", r"[a-f0-9]{40,}"),  # clouds
    (r"hv[sbr]\.", r"[\w-]{20,}"),
    (r"dapi[a-f0-9]", r"[a-f0-9]{31}"),
    (r"shp(?:at|ca|pa|ss)_", r"[a-fA-F0-9]{32}"),
    (r"pul-", r"[a-f0-9]{40}"),
    (r"SG\.", r"[\w-]{16,}\.[\w-]{16,}"),  # mail, telephone, chat
    (r"key-[a-f0-9]", r"[a-f0-9]{31}"),
    (r"(?:AC|SK)[a-f0-9]", r"[a-f0-9]{31}(?![a-f0-9])"),
    (r"\d{8,10}:AA", r"[\w-]{32,34}"),
    (r"EAA", r"[A-Za-z0-9]{60,}"),
    (r"NRAK-", r"[A-Z0-9]{27}"),  # tools
    (r"lin_api_", r"\w{32,}"),
    (r"sntry[su]_", r"[\w+/=-]{20,}"),
    (r"figd_", r"[\w-]{30,}"),
    (r"sq0[a-z]{3}-", r"[\w-]{22,}"),
    (r"PMAK-", r"[\w-]{50,}"),
    (r"AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}"),
)
"""How each of them begins, and how it goes on; beginnings are looked for together."""

_BEGINNING = Pattern("|".join(beginning for beginning, _ in _SHAPES).encode())
_EACH = tuple((Pattern(beginning), Pattern(rest)) for beginning, rest in _SHAPES)
_RUN = Pattern(rb"[A-Za-z0-9_-]{20,}")
_LONGEST_BEGINNING = 13


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """Yield every token: one begins in a long run of word characters, or shortly before it."""
    raw = text.encode("ascii", "replace")
    at = 0
    for run in _RUN.compiled().finditer(raw):
        for beginning in _BEGINNING.compiled().finditer(raw, max(run.start() - _LONGEST_BEGINNING, at), run.end()):
            start = beginning.start()
            if start >= at and not raw[max(start - 1, 0) : start].isalnum():
                end = _end(text, start)
                if end:
                    yield start, end
                    at = end


def _end(text: str, start: int) -> int:
    """Return where the token that begins here ends, 0 where it is none."""
    for beginning, rest in _EACH:
        begun = beginning.compiled().match(text, start)
        if begun is not None:
            found = rest.compiled().match(text, begun.end())
            if found is not None:
                return found.end()
    return 0


PRIVATE_KEY = Detector(
    "private_key",
    matches(Pattern(r"-----BEGIN [A-Z0-9 ]{0,40}-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)", re.DOTALL)),
    (b"-----BEGIN ",),
)
TOKENS = (
    Detector("token", _tokens),
    Detector("jwt", matches(Pattern(r"(?<![A-Za-z0-9])eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*){0,3}")), (b"eyJ",)),
    PRIVATE_KEY,
)
