"""What two observers recorded of the same program, laid side by side."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from platform_instrument.testing.received import Point, Span

MISSING, OTHER = "missing", "other"
STEPS = "parity"
"""The scope of the spans that steps are."""
OF_THE_RUN = frozenset(("client.port", "messaging.message.id", "aws.request_id", "celery.hostname"))
"""Attributes whose values no two runs have in common: that they are there is what is compared."""


@dataclass(frozen=True, order=True)
class Difference:
    """Something that they record and we do not, or otherwise: `what` is `name`, `status`, `spans`, `event …`, `metric`, `unit`, `kind` or an attribute."""

    step: str
    """The step of the program, or the name of a metric."""
    what: str
    how: str
    theirs: str
    ours: str

    @property
    def of_span(self) -> bool:
        """Say whether it is a span that differs; else it is a metric, whose name has dots."""
        return "." not in self.step

    def __str__(self) -> str:
        """Return a line for the message of a failure."""
        return f"{self.step}: {self.what} {self.how}: theirs {self.theirs}, ours {self.ours}"


@dataclass(frozen=True)
class Recorded:
    """What one of the two recorded: spans and data points, and the ports that its program had, by what they are called."""

    spans: Sequence[Span]
    points: Sequence[Point]
    ports: Mapping[int, str]

    def plain(self, value: Any) -> Any:
        """Return a value with names in the place of the run's own ports."""
        if isinstance(value, int) and not isinstance(value, bool):
            return self.ports.get(value, value)
        if isinstance(value, str):
            for port, name in self.ports.items():
                value = value.replace(str(port), name)
        return value

    def by_step(self, kinds: Iterable[str]) -> dict[tuple[str, str], list[Span]]:
        """Return the spans of these kinds by step and kind, in the order in which they began."""
        steps = {span.trace_id: span.name for span in self.spans if span.scope.name == STEPS}
        found: dict[tuple[str, str], list[Span]] = defaultdict(list)
        for span in sorted(self.spans, key=lambda each: each.start_ns):
            if span.kind in kinds and span.trace_id in steps:
                found[steps[span.trace_id], span.kind].append(span)
        return found


def differences(theirs: Recorded, ours: Recorded, kinds: Sequence[str]) -> list[Difference]:
    """Return what ours lack or say otherwise, of spans of some kinds and of all metrics."""
    return sorted({*_of_spans(theirs, ours, kinds), *_of_metrics(theirs, ours)})


def _of_spans(theirs: Recorded, ours: Recorded, kinds: Sequence[str]) -> Iterator[Difference]:
    mine = ours.by_step(kinds)
    for (step, kind), spans in theirs.by_step(kinds).items():
        found = mine.pop((step, kind), [])
        if len(spans) != len(found):
            names = [f"{kind} {[span.name for span in each]}" for each in (spans, found)]
            yield Difference(step, "spans", MISSING if len(found) < len(spans) else OTHER, *names)
        for span, own in zip(spans, found, strict=False):
            yield from _of_span(step, theirs, ours, span, own)


def _of_span(step: str, theirs: Recorded, ours: Recorded, span: Span, own: Span) -> Iterator[Difference]:
    for what in ("name", "status"):
        expected, found = theirs.plain(getattr(span, what)), ours.plain(getattr(own, what))
        if expected != found:
            yield Difference(step, what, OTHER, repr(expected), repr(found))
    for event in sorted({each.name for each in span.events} - {each.name for each in own.events}):
        yield Difference(step, f"event {event}", MISSING, event, "")
    for key, value in span.attributes.items():
        expected, found = theirs.plain(value), ours.plain(own.attributes.get(key))
        if key not in own.attributes:
            yield Difference(step, key, MISSING, repr(expected), repr(None))
        elif (type(value), expected) != (type(own.attributes[key]), found) and not _of_the_run(key, span.kind):
            yield Difference(step, key, OTHER, repr(expected), repr(found))


_NOT_THERE = "~"
"""Stands for an attribute that a series lacks: behind every value, so that a series that has it otherwise is the nearer one."""


def _of_the_run(key: str, kind: str) -> bool:
    return key in OF_THE_RUN or (key == "network.peer.port" and kind == "SERVER")


def _of_metrics(theirs: Recorded, ours: Recorded) -> Iterator[Difference]:
    """Compare by series: for each of theirs there is one of ours that says the same and may say more."""
    for point in theirs.points:
        expected = {key: theirs.plain(value) for key, value in point.attributes.items()}
        same = [each for each in ours.points if each.name == point.name]
        if not same:
            yield Difference(point.name, "metric", MISSING, point.unit, "")
            continue
        for what in ("unit", "kind"):
            expected_one, found_ones = getattr(point, what), {getattr(each, what) for each in same}
            if found_ones != {expected_one}:
                yield Difference(point.name, what, OTHER, expected_one, str(found_ones))
        lacking = min((_lacking(expected, ours, each) for each in same), key=lambda each: (len(each), list(each.values())))
        for key, found in lacking.items():
            how = MISSING if found == _NOT_THERE else OTHER
            yield Difference(point.name, key, how, repr(expected[key]), found)


def _lacking(expected: Mapping[str, Any], ours: Recorded, point: Point) -> dict[str, str]:
    """Return the attributes that a series of ours lacks or has otherwise."""
    found = {key: ours.plain(value) for key, value in point.attributes.items()}
    return {key: repr(found[key]) if key in found else _NOT_THERE for key, value in expected.items() if found.get(key) != value}
