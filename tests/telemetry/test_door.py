"""What masking cannot read is withheld, and the rest of a span leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platform_instrument.core.guard import clear_faults, faults
from platform_instrument.privacy import text
from platform_instrument.telemetry.door import mask_attribute, mask_name
from platform_instrument.telemetry.protobuf import KeyValues

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    genuine = text.mask_attribute

    def failing(key: str, value: object) -> object:
        if value == "sesame":
            raise RuntimeError(value)
        return genuine(key, value)

    monkeypatch.setattr(text, "mask_attribute", failing)
    yield
    clear_faults()


def test_a_value_that_cannot_be_masked_is_withheld_and_counted() -> None:
    assert mask_attribute("note", "sesame") == "[withheld]"
    assert mask_attribute("note", "mail to bob@example.com") == "mail to [email]"
    assert mask_attribute("note", None) is None
    [fault] = faults()
    assert (fault.place, fault.count) == ("masking of telemetry", 1)


def test_the_rest_of_the_attributes_leaves() -> None:
    encoded = KeyValues(b"\x0a").encode({"one": "first", "two": "sesame", "three": "third"})
    for part in (b"one", b"first", b"two", b"[withheld]", b"three", b"third"):
        assert part in encoded
    assert b"sesame" not in encoded


def test_a_name_that_cannot_be_masked_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "mask_name", None)
    assert mask_name("sesame") == "[withheld]"
