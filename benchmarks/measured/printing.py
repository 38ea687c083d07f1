"""What a line through a StreamHandler costs with ids, and masked too, beside the bare line: prints µs of each as JSON.

The handlers are those of the standard library, one formatter, one stream that keeps nothing; the three are measured in turn.
"""

import json
from collections.abc import Callable

from logged import logger, stream
from timing import best_us

from platform_instrument.config.read import read
from platform_instrument.engine import apply
from platform_instrument.instrumentations.std_logging import INSTRUMENTATION
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT, Ambient

ROUNDS = 9
TIMES = 2_000


def line() -> None:
    """Log one line."""
    logger.info("order %d accepted for processing in warehouse %s", 17, "north")


def under(environ: dict[str, str] | None) -> Callable[[], float]:
    """Return what measures the line, bare or under settings."""
    settings = None if environ is None else read(environ)[0]

    def measured() -> float:
        if settings is None:
            return best_us(line, TIMES)
        pipeline.PIPELINE = pipeline.Pipeline(settings)
        apply.install(INSTRUMENTATION)
        try:
            took = best_us(line, TIMES)
        finally:
            apply.uninstall("logging")
        assert "span_id=00f067aa0ba902b7" in stream.last
        return took

    return measured


CURRENT.set(Ambient(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 1))
bare, ids, masked = (under(environ) for environ in (None, {"PLATFORM_LOG_MASK": "false"}, {}))
rounds = [(bare(), ids(), masked()) for _ in range(ROUNDS)]
bare_us, ids_us, masked_us = (min(taken) for taken in zip(*rounds, strict=True))
print(json.dumps({"ids": [ids_us, bare_us], "ids and masking": [masked_us, bare_us]}))
