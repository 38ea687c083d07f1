"""Series whose values are asked for at each collection, and what they are asked of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.metrics.registry import METRICS, new_cell

if TYPE_CHECKING:
    from platform_instrument.core.values import Instrument

_LONGEST_FILE = 64 * 1024


def series(instrument: Instrument, *attributes: tuple[str, Any]) -> Any:  # noqa: ANN401 - a cell of the instrument's kind
    """Return the cell of a series that no limit applies to, because there are only as many as we declare."""
    return METRICS.metric(instrument).cells.setdefault(attributes, new_cell(instrument, attributes))


def put(cell: Any, value: float | None) -> None:  # noqa: ANN401 - a number's cell
    """Say what a number is now; None takes the series off the page."""
    if value is None:
        cell.touched = False
    else:
        cell.put(value)


def content(path: str) -> str:
    """Return what a small file holds, nothing where it cannot be read: it is missing, forbidden, or no descriptor is left."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, _LONGEST_FILE).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def number(text: str) -> int | None:
    """Return a whole number, None where the text is none."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() else None
