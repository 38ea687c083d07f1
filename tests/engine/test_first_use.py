"""What nearly everything imports is instrumented when it is first used, by whoever uses it first."""

from __future__ import annotations

import inspect
import sys
import traceback
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.core.guard import faults
from platform_instrument.engine.first_use import at_first_call
from tests.processes import BIN, run
from tests.tracebacks import FRAMES_STAY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def library() -> tuple[Any, Any]:
    """Return a module of a library, and its class."""

    class Shop:
        def sell(self, thing: str, *, price: int = 1) -> str:
            """Sell something."""
            if not price:
                message = "nothing is free"
                raise ValueError(message)
            return f"{thing} for {price}"

    return SimpleNamespace(Shop=Shop), Shop


def test_a_first_call_loads_once_and_goes_through_what_was_put_in_place() -> None:
    module, shop = library()
    original = vars(shop)["sell"]
    loaded: list[Any] = []

    def load() -> None:
        loaded.append(vars(shop)["sell"])
        shop.sell = lambda self, thing, **options: "observed " + original(self, thing, **options)

    at_first_call("shop", module, "Shop.sell", load)
    assert loaded == []
    assert shop().sell("tea", price=2) == "observed tea for 2"
    assert shop().sell("tea") == "observed tea for 1"
    assert loaded == [original]


def test_until_then_the_function_looks_like_itself() -> None:
    module, shop = library()
    original = vars(shop)["sell"]
    at_first_call("shop", module, "Shop.sell", lambda: None)
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        assert getattr(shop.sell, name) == getattr(original, name)
    assert inspect.signature(shop.sell) == inspect.signature(original)
    shop().sell("tea")
    assert vars(shop)["sell"] is original


def test_what_the_function_raises_goes_on_without_a_frame_of_ours() -> None:
    module, shop = library()
    at_first_call("shop", module, "Shop.sell", lambda: None)
    with pytest.raises(ValueError, match="nothing is free") as raised:
        shop().sell("tea", price=0)
    names = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert FRAMES_STAY or names[1:] == ["sell"]


def test_who_has_wrapped_it_meanwhile_is_called_once() -> None:
    module, shop = library()
    loaded: list[int] = []
    at_first_call("shop", module, "Shop.sell", lambda: loaded.append(1))
    inner: Callable[..., str] = shop.sell
    calls: list[str] = []

    def theirs(self: Any, thing: str) -> str:
        calls.append(thing)
        return inner(self, thing)

    shop.sell = theirs
    assert shop().sell("tea") == shop().sell("tea") == "tea for 1"
    assert (calls, loaded, vars(shop)["sell"]) == (["tea", "tea"], [1], theirs)


@pytest.mark.faults
def test_a_load_that_fails_is_none_of_the_application_s_business() -> None:
    module, shop = library()

    def load() -> None:
        raise LookupError

    at_first_call("shop", module, "Shop.sell", load)
    assert [shop().sell("tea"), shop().sell("tea")] == ["tea for 1", "tea for 1"]
    assert [(fault.place, fault.count) for fault in faults()] == [("shop", 1)]


def test_a_program_that_imports_http_client_loads_what_observes_it_with_the_first_connection(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(
        "import http.client, sys, urllib.request\n"
        "ours = lambda: sorted(name.rpartition('.')[2] for name in sys.modules if '.std_http' in name or '.std_urllib' in name)\n"
        "print(ours())\n"
        "http.client.HTTPConnection('127.0.0.1', 1)\n"
        "print(ours())\n"
        "try: urllib.request.urlopen('http://127.0.0.1:1/')\n"
        "except OSError as error: print(ours(), hasattr(urllib.request.AbstractHTTPHandler.do_open, '__wrapped__'))\n"
    )
    done = run(
        [BIN / "platform-instrument", sys.executable, file], env={"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
    )
    assert done.stdout.splitlines() == ["[]", "['std_http_client']", "['std_http_client', 'std_urllib'] True"], done.stderr
