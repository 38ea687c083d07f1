"""The settings of traces, put in force: sampler, propagators, ids, limits, what is hidden.

What comes from entry points is loaded when the first span or request needs it. This here runs inside the import of a
library, maybe of the very API that such a plug-in imports.
"""

from __future__ import annotations

from sys import modules
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.telemetry import ids, limits, masking, pipeline, propagation, tracer
from platform_instrument.telemetry.plugins import plugin
from platform_instrument.telemetry.sampling import NAMES, Later, Sampler, make_sampler

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings


def put_in_force(settings: Settings) -> None:
    """Put sampler, propagators, id generator and limits of the settings in force."""
    name = settings.traces_sampler
    if name in NAMES:
        tracer.use(make_sampler(name, settings.traces_sampler_arg))
    else:
        tracer.use(Later(lambda: _sampler(name, settings.traces_sampler_arg)))
    propagation.use(
        _propagation(settings)(settings.propagators, trust_inbound=settings.trust_inbound, internal_hosts=settings.internal_hosts)
    )
    generator = settings.python_id_generator
    if generator != "random":
        ids.use_later(lambda: _made("opentelemetry_id_generator", generator, "OTEL_PYTHON_ID_GENERATOR"))
    _limit(settings)
    masking.put_in_force(settings)


def facts_wanted(settings: Settings) -> bool:
    """Say whether anything is to be known of requests beside their spans, when they begin."""
    return bool(settings.request_id or settings.span_attributes_from_headers or settings.span_attributes_from_baggage)


def show_facts(settings: Settings) -> None:
    """Show the facts of requests, where the settings ask for some, or the application has something to say already."""
    if settings.span_attributes_from_claims:
        from platform_instrument.telemetry.facts_claimed import put_in_force as claim  # few services want it

        claim(settings)
    if facts_wanted(settings) or settings.span_attributes_from_claims or "platform_instrument.telemetry.request" in modules:
        from platform_instrument.telemetry.facts_shown import put_in_force  # as above

        put_in_force()
    if settings.metrics_attributes and pipeline.PIPELINE is not None:
        from platform_instrument.telemetry.facts_measured import put_in_force as measure  # as above

        measure(pipeline.PIPELINE, settings.metrics_attributes)


def _propagation(settings: Settings) -> type[propagation.Propagation]:
    """Return what propagates, ids of requests too where these are asked for."""
    if not settings.request_id:
        return propagation.Propagation
    from platform_instrument.telemetry.request_ids import HandsOnRequestIds  # as above

    return HandsOnRequestIds.by(settings.request_id_header)


def _limit(settings: Settings) -> None:
    """Put the settings' limits in force."""
    bounds = limits.LIMITS
    length, span_length = settings.attribute_value_length_limit, settings.span_attribute_value_length_limit
    bounds.value_length = limits.LONGEST if length is None else length
    bounds.span_value_length = bounds.value_length if span_length is None else span_length
    bounds.span_attributes = settings.span_attribute_count_limit
    bounds.events = settings.span_event_count_limit
    bounds.links = settings.span_link_count_limit
    bounds.event_attributes = settings.event_attribute_count_limit
    bounds.link_attributes = settings.link_attribute_count_limit


def _sampler(name: str, argument: float | None) -> Sampler | None:
    """Return the sampler of an entry point; its factory takes the argument as text."""
    made = _made("opentelemetry_traces_sampler", name, "OTEL_TRACES_SAMPLER", "" if argument is None else str(argument))
    if made is None:
        return None
    from platform_instrument.telemetry.foreign_sampler import sampler_of  # loads the API, as the sampler did

    return guard("sampler", sampler_of, made)


def _made(group: str, name: str, variable: str, *arguments: str) -> Any:  # noqa: ANN401 - what the plug-in makes
    """Return what an entry point makes; None where it cannot, which is said."""
    factory = guard(f"entry point {name}", plugin, group, name)
    made = guard(f"entry point {name}", factory, *arguments) if factory is not None else None
    if made is None:
        say(f"{variable}: {name!r} cannot be had; install the package that provides it, or take the name out", place=variable)
    return made
