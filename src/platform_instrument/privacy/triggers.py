"""What tells that a text may hold a secret beside its name, or the message of a database: two passes that find neither in most.

The letters with which parts of such names begin are made one of two first, since Python searches for one letter several times
as fast as for one of some. So a text that tells something may hold nothing still; one that tells nothing holds nothing.
"""

from __future__ import annotations

import string
from functools import partial
from typing import TYPE_CHECKING

from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIRSTS = {"A": "suk", "B": "pcbj"}
"""With what each part of a name begins, by the letter that stands for all of a group: fewer parts are tried at each place."""
_BEFORE_CODE = "ity|ion|ery|kup|ime|mfa|2fa|sms|pin|otp|ngs|gin|tor|ess|our|use|ter|ihr|tre"
_PARTS = (
    *("sess(?:io|[_-]?id)", "senha", "sid(?![a-z])", "sig(?![a-z])", "sifre", "srf", "salt(?![a-z])", "slo(?<=heslo|haslo)"),
    *(
        "saml",
        "sserti",
        "salas",
        "senord",
        "pass(?=[^a-z]|[wpcko])",
        "passe(?![a-z])",
        "pw(?![a-z])",
        "pwd",
        "pswd",
        "psw(?![a-z])",
    ),
    *("psk(?![a-z])", "pin(?![a-z])", "parol", "cret", "creden", "clave", "contrase", "cvv", "cvc", "csc"),
    *("csrf", "chtwo", "code.?ver", f"code(?<=(?:{_BEFORE_CODE})code)", f"code(?<=(?:{_BEFORE_CODE})[_ .-]code)"),
    *(
        "uth(?<=auth)",
        "ure(?<=signature)",
        "key",
        "ken(?<=token)",
        "kie(?<=cookie)",
        "kenn[wu]",
        "ungsw",
    ),
    *("kode(?<=ngskode)", "ket(?<=ticket)", "bearer", "basic ", "jwt", "jelsz"),
)
"""Parts of names of secrets, in lower case, that begin with few letters: what searches for many words at once is slow."""
_ONE_LETTER = (r"p(?<=otp|mdp)", "c(?<=hmac)")
_ONE_LETTER_MERGED = r"p[^a-z,.)](?<=[om][td]p.|mac.)"
_MESSAGES = (
    *("sql: ", "parameters: ", "uery: ", "json data", r"contains \(", "command # ", "beginning with", "copy ", "sql statement"),
    *("correct ", "put (?<=nvalid input )", "cidr ", "uplicate entry ", "ut of range", "subcommand ", "but found "),
)
"""What messages of databases hold that quote a value, from one of the same letters on; `key (` and `token` are above."""
_QUOTING = ("near ", "nvalid value ", " literal: ", "value of ")
"""What others hold, which have a quote."""
_EXCERPT = b"line 0"
"""Where PostgreSQL shows what is wrong in a statement, in the gist of its message, at the beginning of a line."""
_OPTIONS = (
    r"[ '\"]-(?:u|-(?:proxy-)?user)[ ='\"]|(?:(?:redis|valkey|keydb)-|mysql|mariadb|mongo|sshpass| login|zip|sqlcmd|bcp|[oit]sql"
    r"|ipmitool|mosquitto|ldap|openssl|snmp|smb|rpc|0z|rar )[^\n]{0,256}?[ '\"]-[apuwkx]"
)
"""An option, or a command that has one, whose value is a password."""


def _by_first(parts: Iterable[str]) -> str:
    """Return a pattern of parts by the letter that they begin with."""
    firsts: dict[str, list[str]] = {}
    for part in parts:
        firsts.setdefault(part[0], []).append(part[1:])
    return "|".join([f"{first}(?:{'|'.join(rests)})" for first, rests in firsts.items()])


def _suspect() -> str:
    return _by_first((*_PARTS, *_ONE_LETTER))


def _telling(merged: str) -> bytes:
    """Return a pattern of the parts that begin with letters of one group, for the gist of a text."""
    parts = _in_gist("\n".join((*_PARTS, *_MESSAGES, _ONE_LETTER_MERGED)))
    own = [part[1:] for part in parts.split("\n") if part[0] == merged]
    literal, sets = [part for part in own if part[0] != "["], [part for part in own if part[0] == "["]
    return f"{merged}(?:{'|'.join([_by_first(literal), *sets])})".encode()


def _options() -> bytes:
    return _in_gist(_OPTIONS).encode()


def _in_gist(pattern: str) -> str:
    """Return a pattern in lower case for texts in which letters are merged and digits folded."""
    import re  # loaded by who logs

    pattern = re.sub(r"(?<![{,\d])\d(?![\d,}])", "0", pattern).replace("a-z", f"a-z{''.join(_FIRSTS)}")
    for letter, firsts in _FIRSTS.items():
        pattern = re.sub(rf"(?<!\\)[{firsts}]", letter, pattern)
    return pattern


SUSPECT = Pattern(_suspect)
"""What a text holds, in lower case, that has a value beside a name."""
SUSPECT_ABROAD = Pattern(lambda: _suspect() + "|hasło|jelszó|lösenord|şifre|пароль|密码|密碼|口令|パスワード|비밀번호")
"""The same, for a text that is not ASCII."""
_TELLING, _ALSO_TELLING = (Pattern(partial(_telling, letter)) for letter in _FIRSTS)
_OPTION = Pattern(_options)
_MERGED = {first: letter for letter, firsts in _FIRSTS.items() for first in firsts}
_IN_GIST = tuple(["".join([_MERGED.get(letter, letter) for letter in mark]).encode() for mark in _QUOTING])
DIGITS = string.digits.encode()
NOT_PLAIN = b"@%\\&\x1b~"
"""With what escapes begin, the sign of addresses, and one that tokens hold which no run of letters tells."""
TO_GIST = bytes.maketrans(
    (string.ascii_uppercase + string.ascii_lowercase).encode() + DIGITS + NOT_PLAIN,
    "".join([_MERGED.get(letter, letter) for letter in string.ascii_lowercase * 2]).encode()
    + b"0" * len(DIGITS)
    + b"@" * len(NOT_PLAIN),
)


NOWHERE = -1


def told_at(text: str, gist: bytes) -> int:
    """Return from where on a text in ASCII, of this gist, may hold a name or the message of a database, or NOWHERE."""
    told, also = _TELLING.search(gist), _ALSO_TELLING.search(gist)
    if told is not None or also is not None:
        return min([found.start() for found in (told, also) if found is not None])
    if " -" in text and _OPTION.search(gist) is not None:
        return 0
    if "'" in text or '"' in text:
        if _OPTION.search(gist) is not None:
            return 0
        for mark in _IN_GIST:  # `any` costs twice as much
            if mark in gist:
                return 0
    if text[:1] == "L" or "\n" in text or "\\" in text:
        return 0 if gist.startswith(_EXCERPT) or b"\n" + _EXCERPT in gist or b"@n" + _EXCERPT in gist else NOWHERE
    return NOWHERE


def may_hold_options(text: str) -> bool:
    """Say whether a text may hold a command that is given a password by an option of one letter."""
    quoted = ("'" in text and "'-" in text) or ('"' in text and '"-' in text)
    return (quoted or " -" in text) and (_OPTION.search(text.encode("ascii", "replace").translate(TO_GIST)) is not None)
