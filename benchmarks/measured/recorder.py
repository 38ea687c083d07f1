"""What the flight recorder costs, beside the same without it: prints µs of CPU as JSON.

One handler of the standard library, one formatter with a time, a stream that keeps nothing; requests are served by WSGI without a
server. What is kept is compared with the same line printed. Sixty lines of one request are measured: so none is overwritten.
"""

import json
from collections.abc import Callable
from time import process_time_ns
from typing import Any

from logged import logger, stream
from timing import best_us

from platform_instrument.config.read import read
from platform_instrument.engine import apply
from platform_instrument.instrumentations.std_recorder import INSTRUMENTATION
from platform_instrument.telemetry import limits, pipeline
from platform_instrument.web.wsgi import observe_wsgi

ROUNDS = 15
REPEATED = 20
LINES = 60


def served(act: Callable[[], object]) -> None:
    """Serve a request that goes well."""

    def application(_environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        act()
        start_response("200 OK", [])
        return [b""]

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "shop", "wsgi.url_scheme": "http"}
    observe_wsgi(application)(environ, lambda *_: None)


def below() -> None:
    """Log a line below the level."""
    logger.debug("order %d accepted for processing in warehouse %s", 17, "north")


def printed() -> None:
    """Log a line at the level."""
    logger.info("order %d accepted for processing in warehouse %s", 17, "north")


def in_requests(line: Callable[[], object]) -> float:
    """Return the least time of a line within a request."""
    taken: list[int] = []

    def act() -> None:
        before = process_time_ns()
        for _ in range(LINES):
            line()
        taken.append(process_time_ns() - before)

    for _ in range(REPEATED):
        served(act)
    return min(taken) / LINES / 1e3


def measure() -> dict[str, float]:
    """Measure each of them once, as things are now."""
    return {
        "outside": best_us(below, 2_000),
        "below": in_requests(below),
        "printed": in_requests(printed),
        "request": best_us(lambda: served(list), 500),
    }


def under(environ: dict[str, str], *, on: bool) -> dict[str, float]:
    """Measure with the recorder or without it."""
    pipeline.PIPELINE = running = pipeline.Pipeline(read(environ)[0])
    running.ended = limits.ENDED = lambda _span: None  # type: ignore[method-assign] # nobody delivers
    if on:
        apply.install(INSTRUMENTATION)
    try:
        return measure()
    finally:
        apply.uninstall("flight_recorder")


rounds = [(under({}, on=False), under({"PLATFORM_LOG_FLIGHT_RECORDER": "on"}, on=True)) for _ in range(ROUNDS)]
off, on = ({key: min(each[key] for each in taken) for key in taken[0]} for taken in zip(*rounds, strict=True))
assert stream.lines == 2 * ROUNDS * REPEATED * LINES
pairs = {key: [on[key], off[key]] for key in ("outside", "printed", "request")}
print(json.dumps({**pairs, "kept": [on["below"], off["printed"]]}))
