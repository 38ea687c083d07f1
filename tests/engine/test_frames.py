"""What kind of function a wrapper stands for, however that is said."""

from __future__ import annotations

import asyncio

import pytest

from platform_instrument.engine.frames import COROUTINE, PLAIN, kind_of


def plain() -> None:
    pass


@pytest.mark.parametrize("mark", ["_is_coroutine", "_is_coroutine_mark", "_is_coroutine_marker"])
@pytest.mark.parametrize(("value", "kind"), [(object(), COROUTINE), (False, PLAIN), (None, PLAIN)])
def test_a_mark_counts_where_it_says_something(mark: str, value: object, kind: int) -> None:
    """Functions compiled by Cython 3.3, such as uvloop's, carry one that says False."""

    def function() -> None:
        pass

    setattr(function, mark, value)
    assert kind_of(function) == kind
    assert kind_of(plain) == PLAIN


@pytest.mark.skipif(not hasattr(asyncio.coroutines, "_is_coroutine"), reason="this Python has no such mark")
def test_the_mark_of_asyncio_counts() -> None:
    def function() -> None:
        pass

    function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    assert kind_of(function) == COROUTINE
