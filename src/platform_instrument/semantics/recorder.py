"""What is measured of the log flight recorder. No convention exists for it."""

from __future__ import annotations

from platform_instrument.core.values import COUNTER, Instrument

OUTCOME = "platform.log.recorder.outcome"
PRINTED, DISCARDED, OVERWRITTEN, WITHHELD, NO_ROOM = "printed", "discarded", "overwritten", "withheld", "no_room"

LINES = Instrument(
    "platform.log.recorder.lines",
    "Lines that were kept of requests: printed in the end, discarded, or overwritten by later ones before they were printed.",
    unit="{line}",
    kind=COUNTER,
    constant=(OUTCOME,),
)

REQUESTS = Instrument(
    "platform.log.recorder.requests",
    "Requests that failed or were slow, by whether their lines were printed or withheld; those that there was no room for.",
    unit="{request}",
    kind=COUNTER,
    constant=(OUTCOME,),
)
