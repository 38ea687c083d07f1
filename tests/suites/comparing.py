"""Two runs of the same tests: where they end otherwise, and whether that is known to be right."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.suites.table import Reason

Outcomes = dict[str, str]
"""What became of each test, by its name."""

_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
MISSING = "not run"
_WORSE = frozenset(("failed", "error", "crashed", MISSING))


def read(lines: Iterable[str]) -> Outcomes:
    """Read what the plugin wrote; where several parts of a test say something, what is worst."""
    found: Outcomes = {}
    for line in lines:
        test, outcome = json.loads(line)
        name = _ADDRESS.sub("0x…", test)
        if found.get(name) not in _WORSE or outcome in _WORSE - {"crashed"} or found[name] == "crashed":
            found[name] = outcome
    return found


@dataclass(frozen=True)
class Difference:
    """A test that ends otherwise under telemetry."""

    test: str
    plain: str
    observed: str
    reason: Reason | None = None
    """Why that is right, None where nobody has said so."""

    @property
    def harms(self) -> bool:
        """Say whether it is a failure that only telemetry makes, and nobody has a reason for."""
        return self.observed in _WORSE and self.plain not in _WORSE and not self.reason

    def __str__(self) -> str:
        return f"{self.test}: {self.plain} → {self.observed}{f' ({self.reason.text})' if self.reason else ''}"


def differences(plain: Outcomes, observed: Outcomes, known: Mapping[str, Reason]) -> list[Difference]:
    """Return where two runs differ, in the order of the first; there is no reason why a test should not run at all."""
    pairs = [(test, plain.get(test, MISSING), observed.get(test, MISSING)) for test in {**plain, **observed}]
    different = [pair for pair in pairs if pair[1] != pair[2]]
    return [Difference(*pair, None if pair[2] == MISSING else reason(pair[0], known)) for pair in different]


def known_as(test: str, known: Iterable[str]) -> str | None:
    """Return the name under which a test is known, the longest of those that fit, None where it is not."""
    fitting = [name for name in known if (name[1:] in test if name.startswith("*") else test.startswith(name))]
    return max(fitting, key=len, default=None)


def reason(test: str, known: Mapping[str, Reason]) -> Reason | None:
    """Return why a test may end otherwise, None where no reason is known."""
    name = known_as(test, known)
    return None if name is None else known[name]


def counted(outcomes: Outcomes) -> str:
    """Say how the tests of a run ended."""
    counts = Counter(outcomes.values())
    return ", ".join(f"{number:,} {outcome}" for outcome, number in counts.most_common()) or "no test ran"
