"""Whether what a library sends of itself leaves another way than ours: then it is the application's wish, and no double."""

from __future__ import annotations

import sys
from typing import Any

from platform_instrument.telemetry.processors import PROCESSORS


class Elsewhere:
    """Whether anything in this process has such a way: a request asks this, and what is asked of each application only then."""

    known = False


def spans_leave(provider: Any) -> bool:  # noqa: ANN401 - a tracer provider of any kind, None for the global one
    """Say whether the spans of a tracer provider leave another way: it is neither ours nor one that we have adopted."""
    api: Any = sys.modules["opentelemetry.trace"]
    if provider is None:
        provider = api.get_tracer_provider()
    if isinstance(provider, (api.ProxyTracerProvider, api.NoOpTracerProvider)) or _is_ours(provider):
        return False  # the first of these stands for the global one until there is one
    return not PROCESSORS.has(getattr(provider, "_active_span_processor", None))


def points_leave(provider: Any) -> bool:  # noqa: ANN401 - a meter provider of any kind, None for the global one
    """Say whether an application has chosen this meter provider beside the global one."""
    return _is_beside(provider, "opentelemetry.metrics._internal", "_METER_PROVIDER")


def records_leave(provider: Any) -> bool:  # noqa: ANN401 - a logger provider of any kind, None for the global one
    """Say whether an application has chosen this logger provider beside the global one."""
    return _is_beside(provider, "opentelemetry._logs._internal", "_LOGGER_PROVIDER")


def _is_beside(provider: Any, module: str, name: str) -> bool:  # noqa: ANN401 - as above
    return provider is not None and not _is_ours(provider) and provider is not getattr(sys.modules.get(module), name, None)


def _is_ours(provider: Any) -> bool:  # noqa: ANN401 - as above
    return type(provider).__module__.startswith("platform_instrument.")
