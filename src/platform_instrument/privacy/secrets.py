"""Secrets in free text: keys by their published shapes, and values beside a name that says what they are.

Shapes: the documentation of the services that give them out.
"""

from __future__ import annotations

import re

MASK = "***"

_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*){0,3}"  # JSON Web Token
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # Amazon
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{22,}|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas)-[\w.-]{20,}"  # GitHub, GitLab
    r"|xox[abeoprs]-[\w-]{10,}|xapp-\d-[\w-]{10,}"  # Slack
    r"|(?:sk|rk|pk)_(?:live|test)_\w{10,}|whsec_[\w+/=]{20,}"  # Stripe
    r"|sk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|1//0[\w-]{30,}"  # Google
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|dckr_(?:pat|oat)_[\w-]{20,}|hf_[A-Za-z]{30,}"  # registries
    r"|do[opr]_v1_[a-f0-9]{40,}|hv[sbr]\.[\w-]{20,}|dapi[a-f0-9]{32}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"  # clouds
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|key-[a-f0-9]{32}|(?:AC|SK)[a-f0-9]{32}(?![a-f0-9])|NRAK-[A-Z0-9]{27}"  # mail, telephone
    r"|lin_api_\w{32,}|sntry[su]_[\w+/=-]{20,}|glsa_\w{32,}|pul-[a-f0-9]{40}|rubygems_[a-f0-9]{40,}|figd_[\w-]{30,}"
    r"|AGE-SECRET-KEY-1[A-Z0-9]{50,}|\d{8,10}:AA[\w-]{32,34}|EAA[A-Za-z0-9]{60,}|sq0[a-z]{3}-[\w-]{22,}|PMAK-[\w-]{50,}"
    r")"
)
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)", re.DOTALL)
_SCHEME = re.compile(r"(?i)\b(bearer|basic|digest|negotiate|token)(\s{1,4})([\w.~+/=-]{8,})")
_HEADER = re.compile(
    r"(?im)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)(['\"]?\s{0,4}[:=]\s{0,4}['\"]?)([^\n'\"]+)"
)

_NAME = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|account[_-]?key|sharedaccesskey"
    r"|(?:auth|access|refresh|id|session|bearer|csrf|api)[_-]?token|client[_-]?secret|credentials?"
)
_STRONG = re.compile(
    rf"(?i)((?:{_NAME})(?:[_-][a-z0-9]{{1,20}}|\d)?(?P<close>['\"]?)\]?\s{{0,4}}(?:=>|:=|==|[=:])\s{{0,4}})(?:[bur]{{0,2}}(?P<quote>['\"]))?"
    r"(?P<value>(?(quote)(?:(?!(?P=quote))[^\\\n]|\\.)*|[^\s,;&\"'<>(){}\[\]]+))"
)
_WEAK = re.compile(
    r"(?i)(\b(?:\w{0,30}[_-])?(?:token|jwt|auth|session|sid|\w{0,8}sessid|sessionid|signature|otp|pin)['\"]?\s{0,4}[=:]\s{0,4}['\"]?)"
    r"([^\s,;&\"'<>(){}\[\]]{4,})"
)
_OPTION = re.compile(
    r"(?i)(?<!\S)(--?(?:[a-z0-9]{1,20}-)?(?:password|passwd|token|secret|api-?key|access-?key|secret-?key|private-?key)\s{1,4}['\"]?)"
    r"(?!-)([^\s'\"]+)|(?<!\S)((?:-u|--user)\s{1,4}['\"]?[^\s:'\"/]{0,64}:)([^\s'\"]+)"
)
_NO_SECRET = re.compile(
    r"(?i)\*+|redacted|masked|hidden|null|none|nil|true|false|undefined|empty|%s|%\(.*|\$\w*|:\w+|\?|/.*|\w*\.\w+\(?.*"
    r"|incorrect|invalid|required|missing|expired|wrong|must|is|are|was|not|no|the|a|an|ok|failed|failure|for|in|of|and|or|to|too"
    r"|authentication|authenticated|unauthorized|denied|accepted|rejected|changed|reset|mismatch|string|str|int|bool|bytes|object"
    r"|field|optional|unknown|default|cannot|can|should|does|has|got|expected|unexpected|error|found|set|yes|enabled|disabled"
)
_WORDY = re.compile(r"[A-Za-z]*(?:[-_/.][A-Za-z]+)*[.:!?]?|\d[\d_.]*%?|0x[0-9a-f]+").fullmatch
_LONGEST_WORD = 24


def mask_shapes(text: str) -> str:
    """Return a text without what can be nothing but a key, a token or a private key."""
    if "-----BEGIN " in text:
        text = _PEM.sub(MASK, text)
    return _SHAPES.sub(MASK, text)


def mask_named(text: str) -> str:
    """Return a text without values that their name gives away; plain words in a sentence stay."""
    text = _HEADER.sub(_header, text)
    text = _SCHEME.sub(_scheme, text)
    if "-" in text:
        text = _OPTION.sub(_option, text)
    if "=" in text or ":" in text:
        text = _WEAK.sub(_weak, _STRONG.sub(_strong, text))
    return text


def _header(match: re.Match[str]) -> str:
    return match[0] if _NO_SECRET.fullmatch(match[3].strip()) else f"{match[1]}{match[2]}{MASK}"


def _scheme(match: re.Match[str]) -> str:
    value = match[3]
    if _WORDY(value) and (len(value) < _LONGEST_WORD or not value.isalnum()):
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
    return match[0] if _WORDY(value) or _NO_SECRET.fullmatch(value) else match[1] + MASK
