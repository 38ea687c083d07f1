"""The samplers of `OTEL_TRACES_SAMPLER`, with the SDK's decisions for the same trace ids.

Source: https://opentelemetry.io/docs/specs/otel/trace/sdk/#built-in-samplers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.context import SAMPLED, Ambient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.span import Span

DROP, RECORD_ONLY, RECORD_AND_SAMPLE = range(3)

_LOWER = (1 << 64) - 1


class Sampler:
    """Samples every trace; the others differ in `decide`."""

    description = "AlwaysOnSampler"
    follows_parent = False
    """True where a parent's decision stands and only roots are decided on."""

    def decide(
        self, parent: Span | Ambient | None, trace_id: int, name: str, kind: int, attributes: Mapping[str, Any] | None
    ) -> int:
        """Return DROP, RECORD_ONLY or RECORD_AND_SAMPLE."""
        del parent, trace_id, name, kind, attributes
        return RECORD_AND_SAMPLE


class AlwaysOff(Sampler):
    """Samples nothing."""

    description = "AlwaysOffSampler"

    def decide(
        self, parent: Span | Ambient | None, trace_id: int, name: str, kind: int, attributes: Mapping[str, Any] | None
    ) -> int:
        """Return DROP."""
        del parent, trace_id, name, kind, attributes
        return DROP


class TraceIdRatio(Sampler):
    """Samples a share of the traces, the same ones in every service."""

    def __init__(self, ratio: float) -> None:
        self._bound = round(ratio * (_LOWER + 1))
        self.description = f"TraceIdRatioBased{{{ratio}}}"

    def decide(
        self, parent: Span | Ambient | None, trace_id: int, name: str, kind: int, attributes: Mapping[str, Any] | None
    ) -> int:
        """Compare the lower 64 bits of the trace id with the bound."""
        del parent, name, kind, attributes
        return RECORD_AND_SAMPLE if trace_id & _LOWER < self._bound else DROP


class ParentBased(Sampler):
    """Does as the parent did; a root is decided by another sampler."""

    follows_parent = True

    def __init__(self, root: Sampler) -> None:
        self._root = root
        self.description = (
            f"ParentBased{{root:{root.description},remoteParentSampled:AlwaysOnSampler,"
            "remoteParentNotSampled:AlwaysOffSampler,localParentSampled:AlwaysOnSampler,localParentNotSampled:AlwaysOffSampler}"
        )

    def decide(
        self, parent: Span | Ambient | None, trace_id: int, name: str, kind: int, attributes: Mapping[str, Any] | None
    ) -> int:
        """Follow the parent where there is one."""
        if parent is not None and parent.trace_id:
            return RECORD_AND_SAMPLE if parent.flags & SAMPLED else DROP
        return self._root.decide(parent, trace_id, name, kind, attributes)


def make_sampler(name: str, ratio: float | None) -> Sampler:
    """Return the sampler of a name of the specification; `ratio` is 1 where none is given."""
    share = 1.0 if ratio is None else ratio
    base, prefix = name.removeprefix("parentbased_"), name.startswith("parentbased_")
    root = {"always_off": AlwaysOff}.get(base, Sampler)() if base != "traceidratio" else TraceIdRatio(share)
    return ParentBased(root) if prefix else root
