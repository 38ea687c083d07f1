"""Numbers are written as prometheus_client writes them, and sums are exact."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from platform_instrument.telemetry.prometheus.numerals import exact, numeral, plain, total

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), FINITE)
POSITIVE = st.floats(0, 1e300)


def parts(value: object) -> list[Fraction]:
    return [Fraction(each) for each in (value if isinstance(value, tuple) else (value,))]


@settings(deadline=None)
@given(value=st.floats())
@example(value=1e6)
@example(value=999999.9999999999)
@example(value=1e16)
@example(value=1e100)
@example(value=5e-324)
@example(value=float(2**53))
def test_a_fraction_is_written_as_prometheus_client_does(value: float) -> None:
    assert numeral(value) == floatToGoString(value)  # type: ignore[no-untyped-call]


@settings(deadline=None)
@given(value=st.integers())
def test_a_whole_number_is_written_whole(value: int) -> None:
    assert numeral(value) == str(value)


@settings(deadline=None)
@given(values=st.lists(st.integers(0, 2**70), min_size=1))
def test_whole_numbers_stay_whole(values: list[int]) -> None:
    assert total(values) == exact(values) == sum(values)
    assert type(total(values)) is type(exact(values)) is int


@settings(deadline=None)
@given(values=st.lists(NUMBERS, min_size=1), more=st.lists(NUMBERS))
def test_what_is_kept_of_a_sum_is_exact(values: list[float], more: list[float]) -> None:
    kept = exact(values)
    if all(math.isfinite(part) for part in (kept if isinstance(kept, tuple) else (kept,))):
        floats = [each if all(type(one) is int for one in values) else float(each) for each in values]
        assert sum(parts(kept)) == sum(map(Fraction, floats))
        again = exact([kept, *more])
        assert total([kept, *more]) == total([again])


@settings(deadline=None)
@given(first=st.lists(POSITIVE, min_size=1, max_size=5), second=st.lists(POSITIVE, min_size=1, max_size=5), other=POSITIVE)
def test_a_total_does_not_fall_when_what_was_added_is_kept(first: list[float], second: list[float], other: float) -> None:
    before = total([*first, *second, other])
    assert total([exact([exact(first), *second]), other]) == before
    assert total([exact(first), *second, other, 1e-9]) >= before


def test_infinities_and_what_is_no_number_pass() -> None:
    assert total([math.inf, 1.0]) == total([exact([math.inf, 1.0])]) == math.inf
    assert math.isnan(total([math.inf, -math.inf]))
    assert math.isnan(float(exact([math.nan, 1.0])))  # type: ignore[arg-type] # one number
    assert total([1.7e308, 1.7e308]) == math.inf
    assert exact([1.7e308, 1.7e308]) == math.inf


def test_numbers_become_those_of_python() -> None:
    class Whole(int):
        """A number as an enumeration has them."""

    assert (type(plain(Whole(3))), plain(Whole(3))) == (float, 3.0)
    assert plain(10**400) == math.inf
    assert plain(-(10**400)) == -math.inf
    assert plain(2**63 - 1) == 2**63 - 1
