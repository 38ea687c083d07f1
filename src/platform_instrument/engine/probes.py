"""What the probes answer, by what is known already: no I/O, no waiting; a body is written once for each change.

Names and messages of checks are masked on their way out, as everything is that leaves.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from platform_instrument.engine.health import HEALTH
from platform_instrument.privacy.cuts import cut
from platform_instrument.telemetry.door import mask_attribute, mask_description

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.config.schema import Settings
    from platform_instrument.engine.health import Check, Snapshot

OK, UNAVAILABLE = 200, 503
CONTENT_TYPE = "application/json"
READY, STARTING, DRAINING, UNREADY = "ready", "starting", "draining", "unready"
"""What readiness says; only the first is answered with 200."""

_LONGEST = 500
"""Characters of a message."""
_DIGITS = 6


class Answer(NamedTuple):
    """Status and body."""

    status: int
    body: bytes


class Probe:
    """One of the three questions; what it answers is written anew where something has changed."""

    __slots__ = ("_describe", "_known")

    def __init__(self, describe: Callable[[Snapshot, bool], tuple[int, Mapping[str, Any]]]) -> None:
        self._describe = describe
        self._known: tuple[int, dict[bool, Answer]] = (-1, {})
        """The version of the health, and the answers of that version by whether they are verbose."""

    def answer(self, query: str) -> Answer:
        """Return the answer to a request with this query, in which `verbose` asks for messages."""
        version, answers = self._known
        _ = HEALTH.draining  # asked first: it may be known elsewhere alone, and is a change then
        if version != HEALTH.version:
            version, answers = self._known = HEALTH.version, {}
        verbose = asks_for_messages(query)
        found = answers.get(verbose)
        if found is None:
            status, described = self._describe(HEALTH.snapshot(), verbose)
            found = answers[verbose] = Answer(status, written(described))
        return found


def asks_for_messages(query: str) -> bool:
    """Say whether `verbose` is in a query, with a value or without."""
    return bool(query) and any(part.partition("=")[0] == "verbose" for part in query.split("&"))


def written(described: Mapping[str, Any]) -> bytes:
    """Return a body."""
    return json.dumps(described, indent=2).encode() + b"\n"


def standing(snapshot: Snapshot) -> str:
    """Return in a word how the process stands."""
    if snapshot.ready:
        return READY
    return DRAINING if snapshot.draining else UNREADY if snapshot.started else STARTING


def liveness(_snapshot: Snapshot, _verbose: bool) -> tuple[int, Mapping[str, Any]]:  # noqa: FBT001 - as of the others
    """Describe that somebody answers."""
    return OK, {"status": "alive"}


def startup(snapshot: Snapshot, verbose: bool) -> tuple[int, Mapping[str, Any]]:  # noqa: FBT001 - as of the others
    """Describe whether start-up is over, and what it has waited for."""
    status = "started" if snapshot.started else STARTING
    return OK if snapshot.started else UNAVAILABLE, {
        "status": status,
        "checks": [_check(check, verbose=verbose) for check in snapshot.startup_checks],
    }


def readiness(snapshot: Snapshot, verbose: bool) -> tuple[int, Mapping[str, Any]]:  # noqa: FBT001 - as of the others
    """Describe whether requests may come, and what the process depends on."""
    return OK if snapshot.ready else UNAVAILABLE, {
        "status": standing(snapshot),
        "checks": [_check(check, verbose=verbose) for check in snapshot.checks],
    }


def _check(check: Check, *, verbose: bool) -> dict[str, Any]:
    latency = check.latency_seconds
    described = {
        "name": mask_description(check.name),
        "state": check.state,
        "critical": check.critical,
        "tolerated": check.tolerated,
        "latency_seconds": None if latency is None else round(latency, _DIGITS),
        "since": datetime.fromtimestamp(check.since, timezone.utc).isoformat(timespec="milliseconds") if check.since else None,
    }
    return {**described, "message": mask_attribute("exception.message", cut(check.message, _LONGEST))} if verbose else described


def probes(settings: Settings) -> dict[str, Probe]:
    """Return the probes by their paths."""
    return {
        settings.probes_liveness_path: Probe(liveness),
        settings.probes_startup_path: Probe(startup),
        settings.probes_readiness_path: Probe(readiness),
    }
