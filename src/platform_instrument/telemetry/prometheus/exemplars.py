"""Exemplars on their way between processes: as bytes that begin with their time, so that the newest of them is the largest.

A page has tens of thousands of them; as tuples of numbers, reading them from other processes would take longer than all the rest.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from platform_instrument.telemetry.prometheus.numerals import numeral, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platform_instrument.telemetry.metrics.cells import Exemplar

_PACKED = Struct(">Qd16sQ")
"""Time in ns since 1970, value, trace id, span id."""
_TIME_AND_VALUE = Struct(">Qd").unpack_from
_TRACE, _SPAN = slice(32, 64), slice(64, 80)
"""Where the ids are, in hexadecimal digits."""
_NO_TRACE = "0" * 32


def packed(exemplar: Exemplar | None) -> bytes:
    """Return an exemplar of a cell as bytes, none as no bytes, which is less than any."""
    if exemplar is None:
        return b""
    value, at_ns, trace_id, span_id = exemplar
    return _PACKED.pack(at_ns, value if type(value) is float else plain(value), trace_id.to_bytes(16, "big"), span_id)


def packed_all(exemplars: Sequence[Exemplar | None]) -> Sequence[bytes]:
    """Return the exemplars of a histogram, an empty tuple where it has none."""
    return list(map(packed, exemplars)) if any(exemplars) else ()


def measured(exemplar: bytes) -> float:
    """Return the value of an exemplar."""
    value: float = _TIME_AND_VALUE(exemplar)[1]
    return value


def written(exemplar: bytes) -> str:
    """Write an exemplar as OpenMetrics has it, its time in seconds, of which Prometheus keeps thousandths."""
    at_ns, value = _TIME_AND_VALUE(exemplar)
    digits = exemplar.hex()
    trace = digits[_TRACE]
    ids = f'trace_id="{trace}",span_id="{digits[_SPAN]}"' if trace != _NO_TRACE else ""
    milliseconds = f"{at_ns // 1_000_000:04d}"
    return f" # {{{ids}}} {numeral(value)} {milliseconds[:-3]}.{milliseconds[-3:]}"
