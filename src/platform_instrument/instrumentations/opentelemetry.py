"""opentelemetry: the application's own use of the OpenTelemetry API lands in the same traces, at the price of ours.

Span: whatever the application names it. The global tracer provider, the runtime context and the propagators become ours;
a provider that the application sets up itself is adopted.
Source: https://opentelemetry.io/docs/specs/otel/trace/api/; opentelemetry-api (1.21 to 1.45).
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom, Instrumentation
from platform_instrument.telemetry import propagation

if TYPE_CHECKING:
    from platform_instrument.core.values import Changes


def _context(changes: Changes) -> None:
    """Keep the API's context in ours."""
    from platform_instrument.telemetry.bridge import sparing, start_bridge  # imports the API

    api: Any = sys.modules["opentelemetry.context"]
    bridge = start_bridge()
    changes.replace(api, "_RUNTIME_CONTEXT", bridge)
    changes.replace(api, "get_value", sparing(api.get_value, bridge))


def _trace(changes: Changes) -> None:
    """Make our provider the global one, in such a way that the application may still set its own."""
    from platform_instrument.telemetry.api import PROVIDER  # imports the API

    api: Any = sys.modules["opentelemetry.trace"]
    set_provider = api._set_tracer_provider  # noqa: SLF001 - where every way to set one leads

    @wraps(set_provider)
    def set_and_adopt(tracer_provider: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the application's
        set_provider(tracer_provider, *args, **kwargs)
        if api._TRACER_PROVIDER is tracer_provider and tracer_provider is not PROVIDER:  # noqa: SLF001 - as above
            guard("tracer provider", _adopt, tracer_provider)

    changes.replace(api, "_set_tracer_provider", set_and_adopt)
    if api._TRACER_PROVIDER is None:  # noqa: SLF001 - as above
        changes.replace(api, "_TRACER_PROVIDER", PROVIDER)
    else:
        _adopt(api._TRACER_PROVIDER)  # noqa: SLF001 - as above


def _adopt(provider: Any) -> None:  # noqa: ANN401 - the application's
    """Let our spans go the way of the application's own provider."""
    from platform_instrument.telemetry.adoption import adopt  # few applications have a provider of their own

    adopt(provider)


def _propagate(changes: Changes) -> None:
    """Let the application's own inject and extract do as ours, and ours as a propagator that the application sets."""
    from platform_instrument.telemetry.textmap import TextMap  # imports the API

    api: Any = sys.modules["opentelemetry.propagate"]
    set_textmap = api.set_global_textmap

    @wraps(set_textmap)
    def set_and_follow(http_text_format: Any) -> None:  # noqa: ANN401 - the application's
        set_textmap(http_text_format)
        if not isinstance(http_text_format, TextMap):
            propagation.use(propagation.ACTIVE.instead(http_text_format))

    changes.replace(api, "set_global_textmap", set_and_follow)
    changes.replace(api, "_HTTP_TEXT_FORMAT", TextMap())


def _sdk(_changes: Changes) -> None:
    """Let code that asks whether a provider, a tracer or a span is the SDK's find what it looks for in ours."""
    from platform_instrument.telemetry.api import Tracer, TracerProvider  # imports the API
    from platform_instrument.telemetry.span import Span

    sdk: Any = sys.modules["opentelemetry.sdk.trace"]
    for theirs, ours in ((sdk.Span, Span), (sdk.Tracer, Tracer), (sdk.TracerProvider, TracerProvider)):
        theirs.register(ours)


INSTRUMENTATION = Instrumentation(
    name="opentelemetry",
    requires="opentelemetry-api>=1.21,<2",
    patches=(
        Custom("opentelemetry.context", _context),
        Custom("opentelemetry.trace", _trace),
        Custom("opentelemetry.propagate", _propagate),
        Custom("opentelemetry.sdk.trace", _sdk, optional=True),
    ),
    modules=("opentelemetry.context",),
)
