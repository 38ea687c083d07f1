"""Which lines the flight recorder keeps, and what the service sees of it: nothing."""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import sys
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.core.guard import faults
from platform_instrument.semantics.recorder import LINES
from platform_instrument.web.asgi import observe_asgi
from tests.logs.recorder.shop import ON, Shop, failing, outcomes, recorder, request, three
from tests.processes import door, run

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_below_the_level_are_printed_in_order_where_the_request_fails(shop: Shop) -> None:
    with recorder():
        failing(three(shop))
    assert shop.printed == ["INFO second", "DEBUG first of 3", "DEBUG third"]


def test_nothing_more_is_printed_of_a_request_that_goes_well(shop: Shop) -> None:
    with recorder():
        request(three(shop))
        request(three(shop), "404 Not Found")
        assert outcomes(LINES) == {"discarded": 4}
    assert shop.printed == ["INFO second"] * 2


def test_the_service_does_not_see_that_its_level_is_lower(shop: Shop) -> None:
    child = shop.log.getChild("child")
    seen: list[Any] = []

    def look() -> None:
        seen.append((shop.log.level, child.level, child.getEffectiveLevel(), child.isEnabledFor(10), child.isEnabledFor(9)))
        seen.append(logging.LoggerAdapter(child, {}).isEnabledFor(10))

    with recorder():
        look()
        request(look)
        look()
    assert seen == [(20, 0, 20, False, False), False, (20, 0, 20, True, False), True, (20, 0, 20, False, False), False]
    assert child._cache[10] is False


def test_guarded_lines_are_made_within_a_request_alone(shop: Shop) -> None:
    def act() -> None:
        if shop.log.isEnabledFor(logging.DEBUG):
            shop.log.debug("guarded")

    with recorder():
        act()
        failing(act)
    assert shop.printed == ["DEBUG guarded"]


def test_what_is_disabled_stays_disabled(shop: Shop) -> None:
    def act() -> None:
        logging.disable(logging.DEBUG)
        try:
            assert not shop.log.isEnabledFor(logging.DEBUG)
            shop.log.debug("all are")
        finally:
            logging.disable(logging.NOTSET)
        shop.log.disabled = True
        assert not shop.log.isEnabledFor(logging.DEBUG)
        shop.log.debug("this one is")

    with recorder():
        failing(act)
    assert shop.printed == []


def test_filters_of_the_logger_decide_before_a_line_is_kept(shop: Shop) -> None:
    shop.log.addFilter(lambda record: "secret" not in record.getMessage())
    with recorder():
        failing(lambda: [shop.log.debug(text) for text in ("secret", "open")])
    assert shop.printed == ["DEBUG open"]


def test_who_logs_without_asking_is_printed_as_ever(shop: Shop) -> None:
    """SQLAlchemy's `echo` and records of other processes go past the level."""

    class Echo:
        def info(self, text: str) -> None:
            shop.log._log(logging.DEBUG, text, ())

    def act() -> None:
        Echo().info("echo")
        shop.log.handle(logging.makeLogRecord({"msg": "received", "levelno": 10, "levelname": "DEBUG"}))
        shop.log.debug("asked")

    with recorder():
        request(act)
    assert shop.printed == ["DEBUG echo", "DEBUG received"]


def test_a_method_of_one_s_own_that_asks_first_is_kept(shop: Shop) -> None:
    class Tracing(logging.Logger):
        def trace(self, text: str) -> None:
            if self.isEnabledFor(12):
                self._deeper(text)

        def _deeper(self, text: str) -> None:
            self._log(12, text, ())

    log = Tracing("shop.tracing", logging.INFO)
    log.parent = shop.log
    with recorder():
        request(lambda: log.trace("fine"))
        assert shop.printed == []
        failing(lambda: log.trace("bad"))
    assert shop.printed == ["Level 12 bad"]


def test_loggers_that_decide_by_themselves_are_left_to_themselves(shop: Shop) -> None:
    class Stubborn(logging.Logger):
        def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the library's name
            return super().isEnabledFor(level) or level == 10

    class Handing(logging.Logger):
        def handle(self, record: logging.LogRecord) -> None:
            self.callHandlers(record)

    stubborn, handing = Stubborn("shop.stubborn", 20), Handing("shop.handing", 20)
    stubborn.parent = handing.parent = shop.log

    def act() -> None:
        stubborn.debug("its own way")
        handing.debug("never")

    with recorder():
        request(act)
    assert shop.printed == ["DEBUG its own way"]


def test_only_loggers_that_are_named_and_only_from_the_level_on_are_kept(shop: Shop) -> None:
    other = Shop("other")

    def act() -> None:
        for log in (shop.log, shop.log.getChild("quiet"), other.log):
            log.debug("debug")
            log.info("info")

    shop.log.setLevel(logging.WARNING)
    other.log.setLevel(logging.WARNING)
    with recorder(loggers="shop,-shop.quiet", level="info"):
        failing(act)
    other.forget()
    assert (shop.printed, other.printed) == (["INFO info"], [])


def test_libraries_are_left_alone_unless_they_are_named() -> None:
    shop = Shop("urllib3")
    with recorder():
        failing(lambda: shop.log.getChild("connectionpool").debug("connecting"))
        assert shop.printed == []
    with recorder(loggers="urllib3"):
        failing(lambda: shop.log.getChild("connectionpool").debug("connecting"))
    shop.forget()
    assert shop.printed == ["DEBUG connecting"]


def test_after_it_is_taken_back_everything_is_as_before(shop: Shop) -> None:
    before = (logging.Logger.isEnabledFor, logging.Logger.__dict__.get("filter"))
    with recorder():
        assert logging.Logger.isEnabledFor is not before[0]
    assert (logging.Logger.isEnabledFor, logging.Logger.__dict__.get("filter")) == before
    failing(lambda: shop.log.debug("nobody keeps it"))
    assert shop.printed == []


OFF = """
import logging, sys
print(logging.Logger.isEnabledFor.__code__.co_filename == logging.__file__)
print("filter" in vars(logging.Logger))
print([name for name in sys.modules if name.endswith(("recorder", "logs.below", "logs.kept", "logs.ring", "logs.playback"))])
"""


def test_nothing_is_patched_or_loaded_where_it_is_off(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(OFF)
    argv, variables = door("command", [sys.executable, tmp_path / "program.py"])
    assert run(argv, env=variables).stdout.splitlines() == ["True", "False", "[]"]
    assert run(argv, env={**variables, **ON}).stdout.splitlines()[:2] == ["False", "True"]


@pytest.mark.faults
@pytest.mark.parametrize(
    "target", ["ring.Rings.open", "ring.Ring.put", "ring.Ring.take", "below.kept", "chosen.Chosen.has", "playback.printing"]
)
def test_a_fault_of_ours_costs_the_lines_and_nothing_else(shop: Shop, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    answered: list[str] = []

    def act() -> None:
        three(shop)()
        answered.append("yes")

    with recorder():
        monkeypatch.setattr(f"platform_instrument.telemetry.logs.{target}", broken)
        failing(act)
        assert faults()
    assert (answered, shop.printed) == (["yes"], ["INFO second"])


def test_a_websocket_is_no_request(shop: Shop) -> None:
    enabled: list[bool] = []

    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        enabled.append(shop.log.isEnabledFor(logging.DEBUG))

    with recorder():
        asyncio.run(observe_asgi(application)({"type": "websocket", "path": "/", "headers": []}, None, None))  # type: ignore[arg-type]
    assert enabled == [False]
