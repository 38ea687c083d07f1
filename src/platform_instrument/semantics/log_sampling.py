"""What is measured where lines of logs are left out. No convention exists for it."""

from __future__ import annotations

from platform_instrument.core.values import COUNTER, Instrument

LEVEL, LOGGER = "platform.log.level", "platform.log.logger"

OMITTED = Instrument(
    "platform.log.omitted",
    "Log lines that were left out, since too many came of their template (PLATFORM_LOG_SAMPLE).",
    unit="{line}",
    kind=COUNTER,
    constant=(LEVEL, LOGGER),
)
