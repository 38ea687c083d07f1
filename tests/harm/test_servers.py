"""Servers under load, recycled, and told to end with a request in flight: every request is told once, and all ends as plain."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.harm import tasks
from tests.harm.matrix import SERVERS, WORKERS
from tests.harm.situations import Situation, cases
from tests.harm.story import delivered, served
from tests.harm.tasks import worked
from tests.harm.truth import lines

if TYPE_CHECKING:
    from tests.harm.situations import Sides

SITUATIONS = tuple(
    Situation(
        f"{name}: 200 requests, {'recycled, ' if row.counts or row.replace else ''}SIGTERM with one in flight",
        "Servers",
        partial(served, row),
        delivered,
        tidy=lines,
    )
    for name, row in SERVERS.items()
) + tuple(
    Situation(
        f"{name}: 200 tasks, {'recycled, ' if row.counts else ''}SIGTERM with one in flight",
        "Servers",
        partial(worked, row),
        tasks.delivered,
        tidy=lines,
    )
    for name, row in WORKERS.items()
)


@pytest.mark.parametrize("situation", cases(*SITUATIONS))
def test_no_harm(situation: Situation, sides: Sides) -> None:
    situation.judge(sides)
