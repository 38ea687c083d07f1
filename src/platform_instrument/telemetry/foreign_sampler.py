"""A sampler of somebody else, asked in the API's types; the specification's own are ours, which are faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry import api_values
from platform_instrument.telemetry.bridge import context_of
from platform_instrument.telemetry.sampling import AlwaysOff, Decision, Foreign, ParentBased, Sampler, TraceIdRatio

if TYPE_CHECKING:
    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Span


def sampler_of(foreign: Any) -> Sampler:  # noqa: ANN401 - the SDK's Sampler, or one like it
    """Return a sampler that decides as somebody else's; ours, which is faster, where it is one of the specification's."""
    description = str(foreign.get_description())
    if type(foreign).__module__ == "opentelemetry.sdk.trace.sampling":
        rate = getattr(foreign, "rate", getattr(getattr(foreign, "_root", None), "rate", None))
        roots = [Sampler(), AlwaysOff(), *([TraceIdRatio(rate)] if rate is not None else [])]
        for candidate in [*roots, *map(ParentBased, roots)]:
            if candidate.description == description:
                return candidate

    def ask(parent: Span | Ambient | None, span: Span) -> Decision:
        links = [api_values.link(link) for link in span.extras.links] if span.extras else []
        result = foreign.should_sample(
            context_of(parent), span.trace_id, span.name, span.kind, dict(api_values.attributes(span)), links
        )
        decision = Decision(result.decision.value)
        decision.attributes = dict(result.attributes or {})
        state = result.trace_state
        decision.trace_state = state.to_header() if state is not None else None
        return decision

    return Foreign(ask, description)
