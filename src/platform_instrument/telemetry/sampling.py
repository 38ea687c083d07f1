"""The samplers of `OTEL_TRACES_SAMPLER`, with the SDK's decisions for the same trace ids.

Source: https://opentelemetry.io/docs/specs/otel/trace/sdk/#built-in-samplers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry.context import SAMPLED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Span

DROP, RECORD_ONLY, RECORD_AND_SAMPLE = range(3)

_LOWER = (1 << 64) - 1


class Decision(int):
    """A decision of somebody else's sampler, which may add attributes and change the trace state."""

    attributes: Mapping[str, Any] | None = None
    trace_state: str | None = None


class Sampler:
    """Samples every trace; the others differ in `decide`."""

    description = "AlwaysOnSampler"
    follows_parent = False
    """True where a parent's decision stands and only roots are decided on."""
    keeps_roots = True
    """True where every root is sampled, so that nobody has to be asked."""

    def decide(self, parent: Span | Ambient | None, span: Span) -> int:
        """Return DROP, RECORD_ONLY or RECORD_AND_SAMPLE for a span that has its trace id, name, kind and attributes."""
        del parent, span
        return RECORD_AND_SAMPLE


class AlwaysOff(Sampler):
    """Samples nothing."""

    description = "AlwaysOffSampler"
    keeps_roots = False

    def decide(self, parent: Span | Ambient | None, span: Span) -> int:
        """Return DROP."""
        del parent, span
        return DROP


class TraceIdRatio(Sampler):
    """Samples a share of the traces, the same ones in every service."""

    keeps_roots = False

    def __init__(self, ratio: float) -> None:
        self._bound = round(ratio * (_LOWER + 1))
        self.description = f"TraceIdRatioBased{{{ratio}}}"

    def decide(self, parent: Span | Ambient | None, span: Span) -> int:
        """Compare the lower 64 bits of the trace id with the bound."""
        del parent
        return RECORD_AND_SAMPLE if span.trace_id & _LOWER < self._bound else DROP


class ParentBased(Sampler):
    """Does as the parent did; a root is decided by another sampler."""

    follows_parent = True

    def __init__(self, root: Sampler) -> None:
        self._root = root
        self.keeps_roots = root.keeps_roots
        self.description = (
            f"ParentBased{{root:{root.description},remoteParentSampled:AlwaysOnSampler,"
            "remoteParentNotSampled:AlwaysOffSampler,localParentSampled:AlwaysOnSampler,localParentNotSampled:AlwaysOffSampler}"
        )

    def decide(self, parent: Span | Ambient | None, span: Span) -> int:
        """Follow the parent where there is one."""
        if parent is not None and parent.trace_id:
            return RECORD_AND_SAMPLE if parent.flags & SAMPLED else DROP
        return self._root.decide(parent, span)


class Later(Sampler):
    """Stands for a sampler that is made when the first span asks: it needs what may not be imported yet."""

    description = "Later"
    keeps_roots = False

    def __init__(self, make: Callable[[], Sampler | None]) -> None:
        self._make = make
        self._made: Sampler | None = None

    def decide(self, parent: Span | Ambient | None, span: Span) -> int:
        """Make the sampler, the default one where that fails, and do as it says."""
        if self._made is None:
            self._made = self._make() or ParentBased(Sampler())
        return self._made.decide(parent, span)


class Foreign(Sampler):
    """Asks the SDK sampler of somebody else; one that raises is as if it followed the parent."""

    keeps_roots = False

    def __init__(self, ask: Callable[[Span | Ambient | None, Span], Decision], description: str) -> None:
        self._ask = ask
        self._otherwise = ParentBased(Sampler())
        self.description = description

    def decide(self, parent: Span | Ambient | None, span: Span) -> int:
        """Return its decision, with the attributes and the trace state that it adds."""
        decision = guard("sampler", self._ask, parent, span)
        return self._otherwise.decide(parent, span) if decision is None else decision


NAMES = tuple(prefix + base for prefix in ("", "parentbased_") for base in ("always_on", "always_off", "traceidratio"))
"""The samplers of the specification."""


def make_sampler(name: str, ratio: float | None) -> Sampler:
    """Return the sampler of a name of the specification; `ratio` is 1 where none is given."""
    share = 1.0 if ratio is None else ratio
    base, prefix = name.removeprefix("parentbased_"), name.startswith("parentbased_")
    root = {"always_off": AlwaysOff}.get(base, Sampler)() if base != "traceidratio" else TraceIdRatio(share)
    return ParentBased(root) if prefix else root
