"""The door through which telemetry leaves: masked, and what masking cannot read because of a fault of ours is withheld."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from platform_instrument.core.guard import absorb, guard
from platform_instrument.privacy import text
from platform_instrument.privacy.labels import WITHHELD
from platform_instrument.privacy.pii import mask

_PLACE = "masking of telemetry"


def mask_attribute(key: str, value: Any) -> Any:  # noqa: ANN401 - an attribute value
    """Return what may leave under this key; a value that cannot be masked does not."""
    if value is None:
        return None
    masked = guard(_PLACE, text.mask_attribute, key, value)
    return WITHHELD if masked is None else masked


def mask_text(value: str) -> str:
    """Return free text as it may leave; one that cannot be masked does not."""
    try:  # each record of a log passes here
        return mask(value)
    except BaseException as fault:  # noqa: BLE001 - the guard decides
        absorb(_PLACE, fault)
        return WITHHELD


def mask_name(name: str) -> str:
    """Return the name of an attribute, masked; one that cannot be is withheld."""
    masked = guard(_PLACE, text.mask_name, name)
    return WITHHELD if masked is None else masked


@lru_cache(maxsize=1_024)
def mask_description(description: str) -> str:
    """Return what is said of a metric, masked; remembered, since it is sent again and again."""
    return str(mask_attribute("description", description)) if description else ""
