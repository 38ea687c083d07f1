"""Secrets in free text: keys by their published shapes, and values beside a name that says what they are.

Shapes: the documentation of the services that give them out.
"""

from __future__ import annotations

import re

from platform_instrument.privacy.patterns import Pattern

MASK = "***"

_SHAPES = tuple(
    (mark, Pattern(rf"(?<![A-Za-z0-9]){shape}"))
    for mark, shape in (
        ("eyJ", r"eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*){0,3}"),  # JSON Web Token
        ("AKIA", r"AKIA[A-Z0-9]{16}(?![A-Za-z0-9])"),  # Amazon
        ("ASIA", r"ASIA[A-Z0-9]{16}(?![A-Za-z0-9])"),
        ("ABIA", r"ABIA[A-Z0-9]{16}(?![A-Za-z0-9])"),
        ("gh", r"gh[pousr]_[A-Za-z0-9]{20,}"),  # GitHub
        ("github_pat_", r"github_pat_\w{22,}"),
        ("gl", r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas)-[\w.-]{20,}"),  # GitLab
        ("glsa_", r"glsa_\w{32,}"),  # Grafana
        ("xox", r"xox[abeoprs]-[\w-]{10,}"),  # Slack
        ("xapp-", r"xapp-\d-[\w-]{10,}"),
        ("k_live_", r"[srp]k_live_\w{10,}"),  # Stripe
        ("k_test_", r"[srp]k_test_\w{10,}"),
        ("whsec_", r"whsec_[\w+/=]{20,}"),
        ("sk-", r"sk-[A-Za-z0-9_-]{20,}"),  # OpenAI, Anthropic
        ("AIza", r"AIza[\w-]{35}"),  # Google
        ("ya29.", r"ya29\.[\w-]{20,}"),
        ("GOCSPX-", r"GOCSPX-[\w-]{20,}"),
        ("1//0", r"1//0[\w-]{30,}"),
        ("npm_", r"npm_[A-Za-z0-9]{30,}"),  # registries
        ("pypi-", r"pypi-[\w-]{30,}"),
        ("dckr_", r"dckr_(?:pat|oat)_[\w-]{20,}"),
        ("hf_", r"hf_[A-Za-z]{30,}"),
        ("rubygems_", r"rubygems_[a-f0-9]{40,}"),
        ("_v1_", r"do[opr]_v1_[a-f0-9]{40,}"),  # clouds
        ("hv", r"hv[sbr]\.[\w-]{20,}"),
        ("dapi", r"dapi[a-f0-9]{32}"),
        ("shp", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
        ("pul-", r"pul-[a-f0-9]{40}"),
        ("SG.", r"SG\.[\w-]{16,}\.[\w-]{16,}"),  # mail, telephone, chat
        ("key-", r"key-[a-f0-9]{32}"),
        ("AC", r"AC[a-f0-9]{32}(?![a-f0-9])"),
        ("SK", r"SK[a-f0-9]{32}(?![a-f0-9])"),
        (":AA", r"\d{8,10}:AA[\w-]{32,34}"),
        ("EAA", r"EAA[A-Za-z0-9]{60,}"),
        ("NRAK-", r"NRAK-[A-Z0-9]{27}"),  # tools
        ("lin_api_", r"lin_api_\w{32,}"),
        ("sntry", r"sntry[su]_[\w+/=-]{20,}"),
        ("figd_", r"figd_[\w-]{30,}"),
        ("sq0", r"sq0[a-z]{3}-[\w-]{22,}"),
        ("PMAK-", r"PMAK-[\w-]{50,}"),
        ("AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    )
)
"""Keys by the text that each of them holds, and by their shape."""
_PEM = Pattern(r"-----BEGIN [A-Z0-9 ]{0,40}-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)", re.DOTALL)
_SCHEME = Pattern(r"(?i)\b(bearer|basic|digest|negotiate|token)([ \t]{1,4})([\w.~+/=-]{8,})")
_HEADER = Pattern(
    r"(?im)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)(['\"]?[ \t]{0,4}[:=][ \t]{0,4}['\"]?)([^\n'\"]+)"
)

_GAP = r"[ \t]{0,4}"
_BARE = r"[^\s,;&\"'<>(){}\[\]]"
_NAME = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|account[_-]?key|sharedaccesskey"
    r"|(?:auth|access|refresh|id|session|bearer|csrf|api)[_-]?token|client[_-]?secret|credentials?"
)
_STRONG = Pattern(
    rf"(?i)(?:{_NAME})(?:[_-][a-z0-9]{{1,20}}|\d)?['\"]?\]?{_GAP}(?:=>|:=|==|[=:]){_GAP}(?:[bur]{{0,2}}(?P<quote>['\"]))?"
    rf"(?P<value>(?(quote)(?:(?!(?P=quote))[^\\\n]|\\.)*|{_BARE}+))"
)
_WEAK = Pattern(
    r"(?i)(\b(?:\w{0,30}[_-])?(?:token|jwt|auth|session|sid|\w{0,8}sessid|sessionid|signature|otp|pin)['\"]?"
    rf"{_GAP}[=:]{_GAP}['\"]?)({_BARE}{{4,}})"
)
_OPTION = Pattern(
    r"(?i)(?<!\S)(--?(?:[a-z0-9]{1,20}-)?(?:password|passwd|token|secret|(?:api|access|secret|private)-?key)[ \t]{1,4}['\"]?)"
    r"(?!-)([^\s'\"]+)|(?<!\S)((?:-u|--user)[ \t]{1,4}['\"]?[^\s:'\"/]{0,64}:)([^\s'\"]+)"
)
_NO_SECRET = Pattern(
    r"(?i)\*+|redacted|masked|hidden|null|none|nil|true|false|undefined|empty|%s|%\(.*|\$\w*|:\w+|\?|/.*|\w*\.\w+\(?.*"
    r"|incorrect|invalid|required|missing|expired|wrong|must|is|are|was|not|no|the|a|an|ok|failed|failure|for|in|of|and|or|to|too"
    r"|authentication|authenticated|unauthorized|denied|accepted|rejected|changed|reset|mismatch|string|str|int|bool|bytes|object"
    r"|field|optional|unknown|default|cannot|can|should|does|has|got|expected|unexpected|error|found|set|yes|enabled|disabled"
)
_WORDY = Pattern(r"[A-Za-z]*(?:[-_/.][A-Za-z]+)*[.:!?]?|\d[\d_.]*%?|0x[0-9a-f]+")
_LONGEST_WORD = 24


def mask_shapes(text: str) -> str:
    """Return a text without what can be nothing but a key, a token or a private key."""
    if "-----BEGIN " in text:
        text = _PEM.sub(MASK, text)
    for mark, shape in _SHAPES:
        if mark in text:
            text = shape.sub(MASK, text)
    return text


def mask_named(text: str) -> str:
    """Return a text without values that their name gives away; plain words in a sentence stay."""
    lower = text.lower()
    for marks, pattern, replace in _NAMED:
        if any(mark in lower for mark in marks):
            text = pattern.sub(replace, text)
    return text


def _header(match: re.Match[str]) -> str:
    return match[0] if _NO_SECRET.fullmatch(match[3].strip()) else f"{match[1]}{match[2]}{MASK}"


def _scheme(match: re.Match[str]) -> str:
    value = match[3]
    if _WORDY.fullmatch(value) and (len(value) < _LONGEST_WORD or not value.isalnum()):
        return match[0]
    return f"{match[1]}{match[2]}{MASK}"


def _option(match: re.Match[str]) -> str:
    return (match[1] or match[3]) + MASK


def _strong(match: re.Match[str]) -> str:
    value = match["value"]
    if not value or _NO_SECRET.fullmatch(value):
        return match[0]
    start, end = match.start("value") - match.start(), match.end("value") - match.start()
    return match[0][:start] + MASK + match[0][end:]


def _weak(match: re.Match[str]) -> str:
    value = match[2]
    return match[0] if _WORDY.fullmatch(value) or _NO_SECRET.fullmatch(value) else match[1] + MASK


_NAMED = (
    (("authorization", "cookie", "x-api-key", "x-auth-token"), _HEADER, _header),
    (("bearer", "basic", "digest", "negotiate", "token"), _SCHEME, _scheme),
    (("-pass", "-token", "-secret", "key ", "-u ", "--user "), _OPTION, _option),
    (("pass", "pwd", "secret", "key", "token", "credential"), _STRONG, _strong),
    (("token", "jwt", "auth", "sess", "sid", "signature", "otp", "pin"), _WEAK, _weak),
)
"""What a text must hold in lower case, what is searched for then, and what it becomes."""
