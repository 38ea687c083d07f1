"""Headers that the settings make attributes: `http.request.header.<name>` and `http.response.header.<name>`.

None by default. Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/ (version 1.37.0, opt-in).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from platform_instrument.config.patterns import whole_of
from platform_instrument.privacy.cuts import cut

Pairs: TypeAlias = Iterable[tuple[str | bytes, str | bytes]]
Captured: TypeAlias = Callable[[Pairs], dict[str, tuple[str, ...]]]

REQUEST, RESPONSE = "http.request.header.", "http.response.header."

_LONGEST = 4_096
_MOST = 64


def capture(prefix: str, wanted: tuple[str, ...], sanitized: tuple[str, ...]) -> Captured | None:
    """Return what picks the wanted headers as attributes, a value of a repeated header each; None where none is wanted.

    `wanted` and `sanitized` are patterns of names; the values of the latter do not show.
    """
    is_wanted, is_sanitized = whole_of(wanted), whole_of(sanitized)
    if is_wanted is None:
        return None
    from platform_instrument.privacy.labels import SECRET  # heavy, and few want headers

    def captured(headers: Pairs) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for raw, content in headers:
            name = _text(raw).lower()
            key = prefix + name
            if is_wanted(name) and (len(found) < _MOST or key in found):
                value = SECRET if is_sanitized is not None and is_sanitized(name) else cut(_text(content), _LONGEST)
                found[key] = (*found.get(key, ()), value)
        return found

    return captured


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
