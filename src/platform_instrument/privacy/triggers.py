"""What tells that a text may hold a secret beside its name, or the message of a database: one pass that finds neither in most.

The letters with which parts of such names begin are made one letter first, since Python searches for one letter several
times as fast as for one of some. So a text that tells something may hold nothing still; one that tells nothing holds nothing.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIRSTS = "spcukbj"
"""With what each part of a name begins."""
_BEFORE_CODE = "ity|ion|ery|kup|ime|mfa|2fa|sms|pin|otp|ngs"
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
    *("psk(?![a-z])(?<![b-z]psk)", "pin(?![a-z])", "parol", "cret", "creden", "clave", "contrase", "cvv", "cvc", "csc"),
    *("csrf", "chtwo", "code.?ver", f"code(?<=(?:{_BEFORE_CODE})code)", f"code(?<=(?:{_BEFORE_CODE})[_ .-]code)"),
    *(
        "uth(?<=auth)",
        "ure(?<=signature)",
        "user[ ='\"](?<=-user.)",
        "key",
        "ken(?<=token)",
        "kie(?<=cookie)",
        "kenn[wu]",
        "ungsw",
    ),
    *("kode(?<=ngskode)", "ket(?<=ticket)", "bearer", "basic ", "jwt", "jelsz"),
)
"""Parts of names of secrets, in lower case, that begin with few letters: what searches for many words at once is slow."""
_ONE_LETTER = (r"p(?<=otp|\W-p|mdp)", "c(?<=hmac)", r"u[ '\"](?<=\W-u.)")
_ONE_LETTER_MERGED = r"p[^a-z,.)](?<=otp.|\W-p.|mdp.|mac.)"
_MESSAGES = (
    *("sql: ", "parameters: ", "uery: ", "json data", r"contains \(", "command # ", "beginning with", "copy ", "sql statement"),
    *("correct ", "put (?<=nvalid input )", "cidr ", "uplicate entry ", "ut of range", "subcommand ", "but found "),
)
"""What messages of databases hold that quote a value, from one of the same letters on; `key (` and `token` are above."""
_QUOTING = ("near ", "nvalid value ", " literal: ", "value of ")
"""What others hold, which have a quote."""
_MERGED = "A"
"""What stands for each of the first letters in a text that has no other in upper case."""


def _by_first(parts: Iterable[str]) -> str:
    """Return a pattern of parts by the letter that they begin with."""
    firsts: dict[str, list[str]] = {}
    for part in parts:
        firsts.setdefault(part[0], []).append(part[1:])
    return "|".join([f"{first}(?:{'|'.join(rests)})" for first, rests in firsts.items()])


def _suspect() -> str:
    return _by_first((*_PARTS, *_ONE_LETTER))


def _telling() -> bytes:
    """Return a pattern of all parts for a text whose first letters are merged."""
    import re  # loaded by who logs

    parts = "\n".join((*_PARTS, *_MESSAGES, _ONE_LETTER_MERGED)).replace("a-z", f"a-z{_MERGED}")
    merged = re.sub(rf"(?<!\\)[{_FIRSTS}]", _MERGED, parts).split("\n")
    literal, sets = [part for part in merged if part[1] != "["], [part[1:] for part in merged if part[1] == "["]
    return f"{_MERGED}(?:{'|'.join([_by_first(part[1:] for part in literal), *sets])})".encode()


SUSPECT = Pattern(_suspect)
"""What a text holds, in lower case, that has a value beside a name."""
SUSPECT_ABROAD = Pattern(lambda: _suspect() + "|hasło|jelszó|lösenord|şifre|пароль|密码|密碼|口令|パスワード|비밀번호")
"""The same, for a text that is not ASCII."""
_TELLING = Pattern(_telling)
_TO_MERGED = bytes.maketrans(
    (string.ascii_uppercase + _FIRSTS).encode(),
    "".join([_MERGED if letter in _FIRSTS else letter for letter in string.ascii_lowercase + _FIRSTS]).encode(),
)


NOWHERE = -1


def told_at(text: str, raw: bytes) -> int:
    """Return from where on a text in ASCII, `raw` as bytes, may hold a name or the message of a database, or NOWHERE."""
    told = _TELLING.compiled().search(raw.translate(_TO_MERGED))
    if "-p" in text or "LINE " in text:
        return 0
    if told is not None:
        return told.start()
    if "'" in text or '"' in text:
        for mark in _QUOTING:  # `any` costs twice as much
            if mark in text:
                return 0
    return NOWHERE
