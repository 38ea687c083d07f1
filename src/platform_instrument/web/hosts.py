"""`server.address` and `server.port` from what a client wrote into `Host`, remembered within bounds."""

from __future__ import annotations

from platform_instrument.semantics.http import DEFAULT_PORTS

_MOST_HOSTS = 256
_LONGEST_HOST = 255
_LARGEST_PORT = 65_535
_known: dict[tuple[str, str], tuple[str, int]] = {}


def server_address(host: str, scheme: str) -> tuple[str, int]:
    """Return address and port; a port that is none, or is left out, is the scheme's."""
    key = (host, scheme)
    found = _known.get(key)
    if found is not None:
        return found
    if len(host) > _LONGEST_HOST:
        return _split(host[:_LONGEST_HOST], scheme)
    if len(_known) >= _MOST_HOSTS:
        _known.clear()
    found = _known[key] = _split(host, scheme)
    return found


def _split(host: str, scheme: str) -> tuple[str, int]:
    host = host.rpartition("@")[2]  # credentials have no place in `Host`
    address, _, port = host.rpartition(":")
    number = int(port) if address and port.isascii() and port.isdecimal() and len(port) <= len(str(_LARGEST_PORT)) else 0
    if not 0 < number <= _LARGEST_PORT or (":" in address and not address.endswith("]")):
        return (address if port == "" and address else host).strip("[]"), DEFAULT_PORTS.get(scheme, 80)
    return address.strip("[]"), number
