"""Numbers as Prometheus writes them, and sums of them that lose nothing.

A sum of fractions depends on the order of its addends. Were it to fall by one bit when a worker leaves, Prometheus would take
that for a restart and count everything again; so sums are rounded once, at the end.
"""

from __future__ import annotations

from math import fsum, inf, isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Sum: TypeAlias = "int | float | tuple[float, ...]"
"""A number, or the numbers whose sum it is, which no single one could hold."""

_PLAIN = 1e6
_LARGEST = 1 << 63
_WHOLE = {int}


def numeral(value: float) -> str:
    """Write a number: whole ones whole, fractions in the fewest digits, exponents from where Go has them."""
    if type(value) is int or -_PLAIN < value < _PLAIN:
        return repr(value)
    if value != value:  # noqa: PLR0124 - what is not equal to itself is no number
        return "NaN"
    if value in {inf, -inf}:
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if value < 0 or "e" in text:
        return text
    point = text.index(".")
    mantissa = f"{text[0]}.{text[1:point]}{text[point + 1 :]}".rstrip("0.")
    return f"{mantissa}e+{point - 1:02d}"


def plain(value: float) -> float:
    """Return a number as an `int` of 64 bits or a `float`, whatever class of the application it is of."""
    if type(value) is float or (type(value) is int and -_LARGEST <= value < _LARGEST):
        return value
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def total(values: Sequence[Sum]) -> float:
    """Return a sum, rounded once; whole numbers stay whole."""
    kinds = {*map(type, values)}
    if kinds == _WHOLE:
        return sum(values)  # type: ignore[arg-type] # as just looked
    addends: Any = _addends(values) if tuple in kinds else values
    try:
        return fsum(addends)
    except (OverflowError, ValueError):  # beyond what a float holds, or infinite both ways
        return sum(map(float, addends))


def exact(values: Sequence[Sum]) -> Sum:
    """Return a sum that goes on being added to: as numbers that share no bits.

    Source: Shewchuk, Adaptive precision floating-point arithmetic, 1997.
    """
    if {*map(type, values)} == _WHOLE:
        return sum(values)  # type: ignore[arg-type] # as just looked
    parts: list[float] = []
    for addend in map(float, _addends(values)):
        parts = _with(parts, addend)
    return tuple(parts) if all(map(isfinite, parts)) else float(total(values))


def _with(parts: list[float], addend: float) -> list[float]:
    """Add a number to parts; what each addition rounds off becomes a part of its own."""
    kept = []
    for part in parts:
        larger, smaller = (addend, part) if abs(addend) >= abs(part) else (part, addend)
        addend = larger + smaller
        rest = smaller - (addend - larger)
        if rest:
            kept.append(rest)  # of what is infinite it is no number
    return [*kept, addend]


def _addends(values: Iterable[Sum]) -> list[float]:
    return [addend for value in values for addend in (value if type(value) is tuple else (value,))]  # type: ignore[misc]
