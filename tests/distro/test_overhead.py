"""What doctor says of a process that has a budget for what observing costs."""

from __future__ import annotations

from typing import Any

from platform_instrument.distro.diagnosis import Report, take_in
from platform_instrument.runtime.overhead.governor import Governor


def findings(overhead: dict[str, Any] | None) -> dict[str, str]:
    """Return what is said of overhead, by code."""
    report = Report(doors=[], settings=[], problems=[], libraries=[], agents={}, exports=[])
    process = {
        "pid": 1, "program": "shop", "refusal": "", "early": [], "libraries": [], "agents": [], "deferred": {}, "provider": "",
        "faults": [], "telemetry": None, "overhead": overhead,
    }  # fmt: skip
    take_in(report, [process])
    return {found.code: found.message for found in report.findings if found.code in {"PI604", "PI605"}}


def test_without_a_budget_and_within_it_nothing_is_said() -> None:
    assert findings(None) == {}
    assert findings(Governor(0.03).status()) == {}


def test_what_was_left_out_is_said_and_what_could_not_be_by_whom() -> None:
    governor = Governor(0.03)
    governor.shares = {"http": 0.0004, "worker": 0.011, "redis": 0.06}
    governor.shedding.shed.spans = 500
    assert findings(governor.status()) == {"PI604": "left out to keep to PLATFORM_MAX_OVERHEAD=3%: 500 spans"}
    governor.budget.excess = 0.0414
    assert findings(governor.status())["PI605"] == (
        "observing took more than PLATFORM_MAX_OVERHEAD=3% with everything left out that can be: redis 6.0%, worker 1.1%"
    )
