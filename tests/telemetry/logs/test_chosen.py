"""Whose lines the flight recorder keeps, by the names of loggers."""

from __future__ import annotations

import pytest

from platform_instrument.telemetry.logs.chosen import Chosen


@pytest.mark.parametrize(
    ("names", "kept", "left"),
    [
        (("*",), ("", "root", "shop", "shop.orders", "urllib3x"), ("urllib3", "sqlalchemy.engine.Engine", "django.template")),
        (("shop", "billing"), ("shop", "shop.orders", "billing.a.b"), ("", "root", "shopping", "urllib3", "my.shop")),
        (
            ("*", "-shop.noise", "urllib3"),
            ("shop", "shop.noisy", "urllib3.connectionpool"),
            ("shop.noise", "shop.noise.a", "h11"),
        ),
        (("shop", "-shop.noise", "shop.noise.kept"), ("shop.noise.kept", "shop"), ("shop.noise",)),
        (("*", "django.template"), ("django", "django.template.base"), ("django.db.backends",)),
    ],
)
def test_the_nearest_name_above_decides(names: tuple[str, ...], kept: tuple[str, ...], left: tuple[str, ...]) -> None:
    chosen = Chosen(names)
    for _ in range(2):
        assert [name for name in kept if not chosen.has(name)] == []
        assert [name for name in left if chosen.has(name)] == []


def test_answers_are_remembered_within_bounds() -> None:
    chosen = Chosen(("*",))
    for number in range(10_000):
        assert chosen.has(f"shop.{number}")
    assert len(chosen._known) <= 4_096
