"""An SDK tracer provider that the application sets up in code wins: its exporters receive our spans too.

See `docs/adr/0002-own-sdk-provider.md`.
"""

from __future__ import annotations

from typing import Any

from platform_instrument.telemetry import ids, tracer
from platform_instrument.telemetry.elsewhere import Elsewhere
from platform_instrument.telemetry.processors import PROCESSORS


def adopt(provider: Any) -> None:  # noqa: ANN401 - the SDK's TracerProvider, or one of another kind
    """Adopt the provider's processors, resource, sampler and ids; one that is not the SDK's is left to itself."""
    processor = getattr(provider, "_active_span_processor", None)
    if processor is None or processor is PROCESSORS:
        Elsewhere.known |= processor is None
        return
    from platform_instrument.telemetry.foreign_sampler import sampler_of  # loads the API, as the application did

    PROCESSORS.adopt(processor, lambda: provider.resource)
    sampler = getattr(provider, "sampler", None)
    if sampler is not None:
        tracer.use(sampler_of(sampler))
    generator = getattr(provider, "id_generator", None)
    if generator is not None and type(generator).__module__ != "opentelemetry.sdk.trace.id_generator":
        ids.use(generator)
