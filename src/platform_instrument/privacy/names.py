"""Names that say that a secret follows: of query parameters, headers, attributes, fields; and how surely they say it."""

from __future__ import annotations

import re

from platform_instrument.privacy.labels import LABEL
from platform_instrument.privacy.patterns import Pattern

_MOST_KNOWN = 4_096
_LONGEST = 128

NONE, HEADER, STRONG, MEDIUM, NUMBER, WEAK, ONLY_KEY = "", "header", "strong", "medium", "number", "weak", "only key"
"""How a value is read: not at all; to the end of its line; whatever it is; unless a word or a number; a short number too;
when it looks made at random; `key` and `code` say it of parameters and attributes only."""

_OF_KEYS = (
    r"api|app(?:lication)?|access|private|secret|encrypt(?:ion)?|decrypt(?:ion)?|sign(?:ing)?|subscription|account|master|shared"
    r"|shared_?access|client|auth|storage|licen[cs]e|deploy|ssh|service|consumer|hmac|webhook|session|admin|ingest(?:ion)?"
    r"|integration|functions?|jwt|aes|rsa|crypt|cipher|root|recovery|restricted|primary_?access|security|server|host|pre_?shared"
    r"|instrumentation|write|verification|stripe|openai|anthropic|gemini|sendgrid|twilio|datadog|dd|mailgun|algolia|github|gitlab"
    r"|slack|google|maps|aws|azure|gcp|sentry|pagerduty|newrelic|new_?relic|fcm|mailchimp|supabase|shopify|cloudflare|elastic"
)
_OF_GLUED_KEYS = r"api|access|private|secret|encryption|signing|account|auth|session|license|app|subscription|sharedaccess"
_PASSWORDS = (
    r"pass_?(?:word|wd|wort|phrase|code|key|wrd|w)|(?:^|_)(?:ps?wd?|pw|psw|psk|pswd)|(?:db|my|user|root|admin|sql)pwd"
    r"|contrase(?:ñ|n|ny)a|palabra_de_paso|clave_(?:de_)?(?:acceso|secreta|api|privada)|mot_?de_?passe?|(?:^|_)passe|mdp|kennwort|kennung"
    r"|losungswort|zugangscode|senha|palavra_passe|parola(?:_d_ordine)?|wachtwoord|l(?:ö|o|oe)senord|adgangskode|passord|salasana"
    r"|has(?:ł|l)o|heslo|jelsz(?:ó|o)|(?:ş|s)ifre|пароль|密码|密碼|口令|パスワード|비밀번호|geheim(?:nis|wort)?|secreto|zugangsdaten"
)
_OF_TOKENS = r"auth|access|refresh|id|session|bearer|csrf|xsrf|api|bot|security|identity|oauth|private"
_OF_LOGINS = r"db|my|user|root|ssh|smtp|mail|ldap|key|store|admin|require|srv|ftp"
_OF_CODES = (
    r"otp|security|verification|mfa|2fa|sms|backup|recovery|one_?time|pin|confirmation|activation|log_?in|sign_?in|two_?factor"
    r"|access|your|use|enter|ihr|votre"
)
_OF_NOTHING = (
    r"next|page|continuation|pagination|sync|cursor|unexpected|invalid|expected|eos|bos|pad|unk|stop|public|publishable|next_page"
)
_AT_RANDOM = (
    r"(?:^|_)(?:pass|jwt|sig|credentials?|o?auth|session(?:_?(?:id|key))?|s?sid|csrf\w*|xsrf\w*|clave|code_?verifier|assertion"
    r"|saml_?(?:response|request)|ticket|salt|hmac|bearer|authentication|auth_?code|masterauth)|sess(?:ion)?_?id|signature(?:_256)?"
)
_KINDS = (
    (NONE, rf"(?:{_OF_NOTHING})_?(?:token|key)"),
    (HEADER, r"(?:^|_)(?:authorization|cookie)"),
    (STRONG, rf"(?:{_PASSWORDS}|secret(?:_?(?:id|access_?key|key_base|key|token))?)(?:_hash|_digest)?"),
    (STRONG, rf"(?:^|_)(?:{_OF_KEYS})_?key(?:_?id)?|(?:{_OF_GLUED_KEYS})_?key(?:_?id)?"),
    (STRONG, rf"(?:^|_)(?:{_OF_TOKENS})_?token|shared_?access_?signature|csrfmiddleware_?token"),
    (MEDIUM, rf"token|._pass|(?:{_OF_LOGINS})pass"),
    (NUMBER, rf"(?:^|_)(?:t?otp|pin|cvv2?|cvc2?|csc|(?:{_OF_CODES})_?code)"),
    (WEAK, _AT_RANDOM),
    (ONLY_KEY, r"^(?:key|code)"),
)
_PATTERNS = tuple((kind, Pattern(f"(?:{source})$")) for kind, source in _KINDS)
_LAST = Pattern(
    r"(?:_(?:value|string|str|text|plain|raw|b64|base64|old|new|current|confirm(?:ation)?|prod(?:uction)?|dev|staging|test|live"
    r"|data|header|env|env_var|encrypted|\d{1,3})|\d{1,2})$"
)
_HIDDEN = Pattern(rf"(?<!\w){LABEL}")
_CAMEL = Pattern(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_known: dict[str, str] = {}


def secrecy(name: str) -> str:
    """Return how surely a name says that what stands under it is a secret: `password`, `user[token]`, `apiKey`."""
    known = _known.get(name)
    if known is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[name] = _secrecy(name)
    return known


def is_secret_name(name: str) -> bool:
    """Say whether what stands under this name, of a parameter, a header or an attribute, is a secret."""
    return secrecy(name) != NONE


def _secrecy(name: str) -> str:
    if _HIDDEN.compiled().search(name) is not None:
        return NONE
    if "%" in name:
        from urllib.parse import unquote_plus  # heavy, and few names need it

        name = unquote_plus(name)
    name = name[-_LONGEST:].rstrip("]").rpartition("[")[2]
    for written in (_CAMEL.sub("_", name), name):
        words = re.sub(r"[\W_]+", "_", written.lower()).rstrip("_")
        for form in (words, _LAST.sub("", words)):
            for kind, pattern in _PATTERNS:
                if pattern.compiled().search(form) is not None:
                    return kind
    return NONE
