"""The id of a request, under which people find it: taken from the caller, made where there is none, handed on inside.

A caller's id is kept as it is where it is well formed: up to 128 letters, digits and `-._~:/=`. Any other is replaced, so that
nothing of it comes into a header or a line. New ones are UUIDs of version 7, which sort by time.
Source: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7, and its section 6.2, method 3.
"""

from __future__ import annotations

from re import compile as compiled
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.facts import REQUEST_ID, facts_of
from platform_instrument.telemetry.ids import random_bits
from platform_instrument.telemetry.propagation import Propagation

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Span

_WELL_FORMED = compiled(r"[A-Za-z0-9._~:/=-]{1,128}").fullmatch
_VARIANT = 2 << 62
_RESENT = "http.request.resend_count"


def well_formed(text: str) -> bool:
    """Say whether a caller's id can be kept."""
    return _WELL_FORMED(text) is not None


def new_request_id(now_ns: int) -> str:
    """Return a UUID of version 7 that sorts by this time, to a quarter of a microsecond; nanoseconds since the epoch."""
    milliseconds, rest = divmod(now_ns, 1_000_000)
    time, random = f"{milliseconds:012x}", f"{_VARIANT | random_bits(62):016x}"
    return f"{time[:8]}-{time[8:]}-7{(rest << 12) // 1_000_000:03x}-{random[:4]}-{random[4:]}"


def identify(span: Span, given: str | None) -> None:
    """Give what a span serves, a call or a message, the id of its request: its caller's where that can be kept, or a new one."""
    facts, current = facts_of(span), pipeline.PIPELINE
    if facts is None or current is None:
        return
    kept = given if given is not None and current.settings.trust_inbound and well_formed(given) else None
    facts.request_id = kept or new_request_id(span.start_ns)
    facts.version += 1
    span.set_attribute(REQUEST_ID, facts.request_id)


class HandsOnRequestIds(Propagation):
    """Propagation that also sends the id of the request being served, to internal hosts alone."""

    __slots__ = ()

    header = ""
    """Its name as it is sent; one a process."""
    _lower = ""

    @classmethod
    def by(cls, header: str) -> type[HandsOnRequestIds]:
        """Send it in this header."""
        cls.header, cls._lower = header, header.lower()
        return cls

    def inject(self, context: Span | Ambient, host: str | None, headers: MutableMapping[str, str]) -> None:
        """Put a context into the headers of a request to a host, and the id where the application sends none itself.

        A redirected request still has the id: elsewhere it is taken out again.
        """
        super().inject(context, host, headers)
        facts = facts_of(context)
        if facts is None or not facts.request_id:
            return
        key = self._key(headers)
        if key is None:
            if self.is_internal(host):
                headers[self.header] = facts.request_id
        elif _resent(context) and headers[key] == facts.request_id and not self.is_internal(host):
            del headers[key]

    def _key(self, headers: MutableMapping[str, str]) -> str | None:
        """Return the name under which a request carries an id; the headers of some libraries are plain dicts."""
        if type(headers) is not dict:
            return self.header if self.header in headers else None
        lower = self._lower
        return next((key for key in headers if len(key) == len(lower) and key.lower() == lower), None)


def _resent(context: Any) -> bool:  # noqa: ANN401 - a span, or what has no attributes
    own = getattr(context, "own_attributes", None)
    return own is not None and _RESENT in own
