"""Who prints what was kept: the service's own handlers, in the context of each line."""

from __future__ import annotations

import contextvars
import io
import logging
import logging.handlers
import sys
from typing import Any

import pytest

from tests.logs.recorder.shop import Shop, failing, recorder, three


def test_filters_of_handlers_find_the_context_that_the_line_was_logged_in(shop: Shop) -> None:
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="none")

    def told(record: logging.LogRecord) -> bool:
        record.msg = f"{tenant.get()}: {record.msg}"
        return True

    shop.log.handlers[0].addFilter(told)

    def act() -> None:
        token = tenant.set("acme")
        shop.log.debug("in")
        tenant.reset(token)
        shop.log.debug("out")

    with recorder():
        failing(act)
    assert shop.printed == ["DEBUG acme: in", "DEBUG none: out"]


def test_handlers_of_errors_alone_get_none_of_it(shop: Shop) -> None:
    mails = io.StringIO()
    shop.add(logging.StreamHandler(mails), logging.ERROR)
    with recorder():
        failing(three(shop))
    assert (len(shop.printed), mails.getvalue()) == (3, "")


def test_a_handler_with_a_level_of_its_own_is_the_service_s_level_too() -> None:
    shop = Shop(level=logging.DEBUG)
    shop.log.handlers[0].setLevel(logging.INFO)
    shop.add(logging.NullHandler())
    files = io.StringIO()
    shop.add(logging.StreamHandler(files), logging.WARNING)
    with recorder():
        failing(three(shop))
    shop.forget()
    assert shop.printed == ["INFO second", "DEBUG first of 3", "DEBUG third"]
    assert files.getvalue() == ""


def test_what_some_handler_prints_anyway_is_not_printed_twice() -> None:
    shop = Shop(level=logging.DEBUG)
    shop.log.handlers[0].setLevel(logging.INFO)
    everything = io.StringIO()
    shop.add(logging.StreamHandler(everything), style="%(message)s")
    with recorder():
        failing(three(shop))
    shop.forget()
    assert shop.printed == ["INFO second"]
    assert len(everything.getvalue().splitlines()) == 3


def test_a_queue_between_logger_and_handler_has_the_lines_with_their_ids(shop: Shop) -> None:
    import queue

    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stream = shop.log.handlers[0]
    shop.log.handlers[:] = [logging.handlers.QueueHandler(waiting)]
    with recorder():
        failing(three(shop))
        while not waiting.empty():
            stream.handle(waiting.get())
    assert shop.printed == ["INFO second", "DEBUG first of 3", "DEBUG third"]
    assert shop.stream.getvalue().count(" trace_id=") == 3


def test_a_handler_that_raises_keeps_nobody_from_answering(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise OSError(record.getMessage())

    shop.add(Broken())
    with recorder():
        failing(lambda: shop.log.debug("kept"))
    assert shop.printed == ["DEBUG kept"]
    assert "a handler of logging raised OSError" in capfd.readouterr().err


def test_where_errors_alone_are_printed_nothing_else_is(shop: Shop) -> None:
    for handler in shop.log.handlers:
        handler.setLevel(logging.ERROR)
    with recorder():
        failing(three(shop))
    assert shop.printed == []


def test_all_handlers_that_print_what_the_logger_lets_through_get_it(shop: Shop) -> None:
    other = io.StringIO()
    shop.add(logging.StreamHandler(other), logging.INFO)
    with recorder():
        failing(three(shop))
    assert len(shop.printed) == len(other.getvalue().splitlines()) == 3


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a filter's record counts from Python 3.12 on")
def test_a_record_that_a_filter_puts_in_the_place_of_another_is_kept(shop: Shop) -> None:
    def other(record: logging.LogRecord) -> Any:
        return logging.makeLogRecord({**record.__dict__, "msg": f"other {record.msg}"})

    shop.log.addFilter(other)
    with recorder():
        failing(lambda: shop.log.debug("line"))
    assert shop.printed == ["DEBUG other line"]
