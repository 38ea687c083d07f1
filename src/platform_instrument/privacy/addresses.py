"""Network addresses, which are hidden on request only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.detector import Detector, matches, whole
from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    import re

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = Pattern(rf"(?<![\w.-])(?:{_OCTET}\.){{3}}{_OCTET}(?![\w-]|\.\d)")
_GROUP = "[0-9A-Fa-f]{1,4}"
_IPV6 = Pattern(
    rf"(?<![\w:.])(?:(?:{_GROUP}:){{2,7}}(?::?{_GROUP}){{0,6}}|::(?:{_GROUP}:){{0,6}}{_GROUP})(?:%\w{{1,16}})?(?![\w:])"
)
_COLONS = 7


def _ipv6(match: re.Match[str]) -> bool:
    """Say whether it has eight groups, or fewer and one gap: a time has neither."""
    text = match[0]
    colons, gaps = text.count(":"), text.count("::")
    return gaps == 0 if colons == _COLONS and not gaps else gaps == 1 and colons <= _COLONS


IPS = (Detector("ip", matches(_IPV4)), Detector("ip", matches(_IPV6, whole(_ipv6))))
