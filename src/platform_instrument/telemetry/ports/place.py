"""Where a service listens, and what it is called where it cannot."""

from __future__ import annotations

from typing import NamedTuple

METRICS, ADMIN = 0, 1
"""The ports that a service may have of its own, as the ledger counts them."""


class Place(NamedTuple):
    """An address, the settings that it is written in, and what is not to be had where nobody can listen there."""

    number: int
    use: str
    """What is done there, as `doctor` calls it: `scraped`."""
    host: str
    port: int
    """0 for a free one."""
    settings: tuple[str, str]
    """The variables of host and port."""
    loss: str
