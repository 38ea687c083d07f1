"""A service for tests of the flight recorder: a logger, what it has printed, and requests that go well or fail."""

from __future__ import annotations

import contextlib
import io
import logging
import logging.handlers
from typing import TYPE_CHECKING, Any

from platform_instrument.core.report import forget
from platform_instrument.semantics.recorder import OUTCOME, REQUESTS
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.web.wsgi import observe_wsgi
from tests.instrumentations.recording import recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


ON = {"PLATFORM_LOG_FLIGHT_RECORDER": "on"}


class Shop:
    """A logger with a handler, and what was printed."""

    def __init__(self, name: str = "shop", level: int = logging.INFO, **options: Any) -> None:
        self.log = logging.getLogger(name)
        self.log.setLevel(level)
        self.log.propagate = False
        self.stream = io.StringIO()
        self.add(logging.StreamHandler(self.stream), **options)

    def add(self, handler: logging.Handler, level: int = 0, style: str = "%(levelname)s %(message)s") -> logging.Handler:
        handler.setLevel(level)
        handler.setFormatter(logging.Formatter(style))
        self.log.addHandler(handler)
        return handler

    @property
    def printed(self) -> list[str]:
        """What was printed, without the ids."""
        return [line.partition(" trace_id=")[0] for line in self.stream.getvalue().splitlines()]

    def forget(self) -> None:
        self.log.handlers.clear()
        self.log.filters.clear()
        self.log.setLevel(logging.NOTSET)
        self.log.propagate = True
        self.log.disabled = False


@contextlib.contextmanager
def recorder(**environ: str) -> Iterator[None]:
    """Record in this process, under settings by the end of their names; what is said once a minute may be said again."""
    forget()
    variables = {f"PLATFORM_LOG_FLIGHT_RECORDER_{name.upper()}": value for name, value in environ.items()}
    with recording("std_recorder", "std_logging", environ={**ON, **variables}):
        yield


def request(act: Callable[[], object], status: str = "200 OK", agent: str = "curl/8") -> None:
    """Serve a request by WSGI that does something and answers so."""

    def application(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        act()
        start_response(status, [])
        return [b"done"]

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "SERVER_NAME": "shop",
        "wsgi.url_scheme": "http",
        "HTTP_USER_AGENT": agent,
    }
    observe_wsgi(application)(environ, lambda *_: None)


def failing(act: Callable[[], object]) -> None:
    request(act, "500 Internal Server Error")


def outcomes(instrument: Any = REQUESTS) -> dict[str, int]:
    cells = METRICS.metric(instrument).cells.values()
    return {dict(cell.attributes)[OUTCOME]: cell.value for cell in cells if cell.touched}


def three(shop: Shop) -> Callable[[], None]:
    def act() -> None:
        shop.log.debug("first of %d", 3)
        shop.log.info("second")
        shop.log.debug("third")

    return act
