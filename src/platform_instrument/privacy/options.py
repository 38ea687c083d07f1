"""Passwords behind options whose meaning their command tells: `mysql -p…`, `redis-cli -a …`, `curl -u user:…`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.detector import Detector
from platform_instrument.privacy.harmless import WORDY, is_harmless
from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

_LONGEST_COMMAND = 256
_APART = r"(?:['\"],?[ \t]{0,4}(?=['\"])|[ \t]{1,4})"
"""What stands between an option and its value, both in quotes or none."""
_VALUE = r"(?:(?P<{0}>['\"])(?P<{0}_value>(?:(?!(?P={0}))[^\n]){{1,256}})|(?P<{0}_bare>[^\s'\"]+))"
_OPTION = Pattern(
    rf"(?<=[\s'\"\[(,])-(?:(?P<letter>[aApPwkX])(?P<apart>{_APART}|)(?!-){_VALUE.format('quote')}"
    rf"|U(?:{_APART}|)['\"]?[\w.\\/-]{{1,64}}%(?P<password>[^\s'\"]+)"
    r"|(?:u|-(?:proxy-)?user)(?:['\"],?[ \t]{0,4}['\"]|[ \t=]{0,4}['\"]?)[^\s:'\"/\[]{0,64}:(?P<login>[^\s'\"]+))"
)
_OWN_WORD = r"(?:^|[\W_])(?:{})(?![a-z])"
_COMMANDS = {
    "p": (
        _OWN_WORD.format(r"(?:docker|podman|nerdctl|oc|az|cf|ibmcloud|registry|buildah|skopeo) login|sshpass|mongo\w*|smbmap"),
        _OWN_WORD.format(r"sshpass|mysql\w*|mariadb[\w-]*|7z[ar]?|(?:un)?rar"),
    ),
    "a": (_OWN_WORD.format(r"(?:redis|valkey|keydb)-(?:cli|benchmark)"), ""),
    "P": (_OWN_WORD.format(r"(?:un)?zip(?:cloak)?|sqlcmd|bcp|[oit]sql|ipmitool|mosquitto_\w+"),) * 2,
    "w": (_OWN_WORD.format(r"ldap[a-z]+"),) * 2,
    "k": (_OWN_WORD.format("openssl"), ""),
    "A": (_OWN_WORD.format(r"snmp[a-z]+"), ""),
    "X": (_OWN_WORD.format(r"snmp[a-z]+"), ""),
}
"""By letter, the commands to which it is a password: behind a space, and glued to the letter."""
_PATTERNS = {letter: tuple(Pattern(source or r"(?!)") for source in sources) for letter, sources in _COMMANDS.items()}
_IN_A_LIST = Pattern(r"['\",\s]+")
_REQUESTS = ("curl", "http", "wget", "svn ")


def _passwords(text: str) -> Iterator[tuple[int, int]]:
    for option in _OPTION.compiled().finditer(text):
        before = text[max(option.start() - _LONGEST_COMMAND, 0) : option.start()]
        group = _group(option, before)
        if group and not is_harmless(option[group]):
            yield option.span(group)


def _group(option: re.Match[str], before: str) -> str:
    """Return the group that holds a password, empty where none does."""
    if option["login"]:  # `-u` of many commands is a user and a group
        return "login" if any(command in before for command in _REQUESTS) or not WORDY.fullmatch(option["login"]) else ""
    if option["password"]:
        return "password"
    spaced, glued = _PATTERNS[option["letter"]]
    line = _IN_A_LIST.sub(" ", before.rpartition("\n")[2])
    if (spaced if option["apart"] else glued).compiled().search(line) is None:
        return ""
    return "quote_value" if option["quote"] else "quote_bare"


OPTIONS = Detector("secret", _passwords)
