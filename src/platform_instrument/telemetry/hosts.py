"""Which hosts are our own: only they are handed baggage."""

from __future__ import annotations

from ipaddress import ip_address

_SUFFIXES = (".svc", ".local", ".internal", ".localhost")
_MOST_KNOWN = 1_024
_known: dict[str, bool] = {}


def is_internal_host(host: str) -> bool:
    """Say whether a host is loopback, in a private range, has a single label, or ends in .svc, .local or .internal."""
    known = _known.get(host)
    if known is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[host] = _is_internal(host)
    return known


def _is_internal(host: str) -> bool:
    name = host.strip("[]").rstrip(".").lower()
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return bool(name) and ("." not in name or name.endswith(_SUFFIXES))
    return address.is_private or address.is_loopback or address.is_link_local


def matches(host: str, patterns: tuple[str, ...]) -> bool:
    """Say whether a host is named by one of the patterns: a name, `.suffix` or `*.suffix`, or `*` for all."""
    name = host.lower()
    return any(pattern in {"*", name} or _ends(name, pattern.removeprefix("*")) for pattern in patterns)


def _ends(name: str, suffix: str) -> bool:
    return suffix.startswith(".") and name.endswith(suffix)
