"""What a line through a StreamHandler costs where lines are thinned, beside the bare line: prints µs of each as JSON.

Nothing else is switched on. Kept by its level, by its trace or by its bucket; left out of a template, or of texts without end.
"""

import json
from collections.abc import Callable
from itertools import count

from logged import logger, stream
from timing import best_us

from platform_instrument.config.read import read
from platform_instrument.engine import apply
from platform_instrument.instrumentations import std_log_sampling
from platform_instrument.runtime import log_sampling
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT, Ambient

ROUNDS = 9
TIMES = 2_000
ALWAYS = {"PLATFORM_LOG_SAMPLE_RATE": "1000000", "PLATFORM_LOG_SAMPLE_BURST": "1000000"}
NEVER = {"PLATFORM_LOG_SAMPLE_RATE": "0.001", "PLATFORM_LOG_SAMPLE_BURST": "1"}
TRACE = Ambient(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, 1)
numbers = count()


def info() -> None:
    """Log a line of a template."""
    logger.info("order %d accepted for processing in warehouse %s", 17, "north")


def text() -> None:
    """Log a text that was never logged before."""
    logger.info(f"order {next(numbers)} accepted for processing in warehouse north")


def warning() -> None:
    """Log a line of a level of which nothing is left out."""
    logger.warning("order %d accepted for processing in warehouse %s", 17, "north")


def measured(
    line: Callable[[], None], environ: dict[str, str] | None = None, trace: Ambient | None = None, *, printed: bool = True
) -> float:
    """Return what a line costs, bare or under settings; it is printed, or it is not."""
    CURRENT.set(trace)
    if environ is None:
        return best_us(line, TIMES)
    pipeline.PIPELINE = pipeline.Pipeline(read({"PLATFORM_LOG_SAMPLE": "true", **environ})[0])
    pipeline.PIPELINE.worker.awaited, pipeline.PIPELINE.worker.called = False, True
    log_sampling._made.clear()  # noqa: SLF001 - one a process, elsewhere
    apply.install(std_log_sampling.INSTRUMENTATION)
    for _ in range(1_000):
        line()
    before = stream.lines
    try:
        took = best_us(line, TIMES)
    finally:
        apply.uninstall("log_sampling")
    assert (stream.lines - before > TIMES) == printed
    return took


rounds = [
    {
        "bare": measured(info),
        "level": measured(warning, NEVER),
        "trace": measured(info, NEVER, TRACE),
        "bucket": measured(info, ALWAYS),
        "left out": measured(info, NEVER, printed=False),
        "text left out": measured(text, NEVER, printed=False),
    }
    for _ in range(ROUNDS)
]
best = {key: min(each[key] for each in rounds) for key in rounds[0]}
print(json.dumps({key: [took, best["bare"]] for key, took in best.items() if key != "bare"}))
