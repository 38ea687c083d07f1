"""opentelemetry_metrics: what the application counts by the OpenTelemetry API is counted in our cells, at the price of ours.

Span: none. Metrics: whatever the application names them. The global meter provider becomes ours; one that the application sets
up itself takes over from it.
Source: https://opentelemetry.io/docs/specs/otel/metrics/api/; opentelemetry-api (1.21 to 1.45).
"""

from __future__ import annotations

import sys
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom, Instrumentation
from platform_instrument.engine.apply import APPLIED, PATCHED

if TYPE_CHECKING:
    from platform_instrument.core.values import Changes

_INSTRUMENTOR = "opentelemetry.instrumentation."
_NATIVE = {"redis-py": "redis"}
"""Scopes of what libraries count by themselves, and our names of the libraries."""
_SERVERS = ("asgi", "wsgi")
"""Instrumentors of what is in our servers, under names that no instrumentation of ours has."""


def _metrics(changes: Changes) -> None:
    """Make our meter provider the global one, in such a way that the application may still set its own."""
    from platform_instrument.telemetry.meters.adoption import adopt  # imports the API
    from platform_instrument.telemetry.meters.provider import PROVIDER

    api: Any = sys.modules["opentelemetry.metrics._internal"]
    set_provider, proxy = api._set_meter_provider, api._PROXY_METER_PROVIDER  # noqa: SLF001 - where every way to set one leads

    @wraps(set_provider)
    def set_and_adopt(meter_provider: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the application's
        set_provider(meter_provider, *args, **kwargs)
        if api._METER_PROVIDER is meter_provider and meter_provider is not PROVIDER:  # noqa: SLF001 - as above
            guard("meter provider", adopt, PROVIDER, meter_provider)

    PROVIDER.counted_by_us = counted_by_us
    changes.replace(api, "_set_meter_provider", set_and_adopt)
    if api._METER_PROVIDER is not None:  # noqa: SLF001 - as above
        adopt(PROVIDER, api._METER_PROVIDER)  # noqa: SLF001 - as above
        return
    changes.replace(api, "_METER_PROVIDER", PROVIDER)
    proxy.on_set_meter_provider(PROVIDER)  # for the meters and instruments that there are
    changes.on_undo(partial(setattr, proxy, "_real_meter_provider", None))


def counted_by_us(scope: str) -> bool:
    """Say of the scope of an instrumentor, or of what a library counts by itself, whether we observe that library."""
    instrumentor = scope[len(_INSTRUMENTOR) :].partition(".")[0] if scope.startswith(_INSTRUMENTOR) else ""
    library = instrumentor or _NATIVE.get(scope, "")
    applied = APPLIED.get(library)
    return (applied is not None and applied.status == PATCHED) or library in _SERVERS


def _sdk(_changes: Changes) -> None:
    """Let code that asks whether a meter provider, a meter or an instrument is the SDK's find what it looks for in ours."""
    from platform_instrument.telemetry.meters import instruments, provider  # imports the API

    sdk: Any = sys.modules["opentelemetry.sdk.metrics"]
    for ours in (provider.MeterProvider, provider.Meter, *instruments.ALL):
        theirs = getattr(sdk, ours.__name__, None) or getattr(sdk, f"_{ours.__name__}", None)
        if theirs is not None:
            theirs.register(ours)


INSTRUMENTATION = Instrumentation(
    name="opentelemetry_metrics",
    requires="opentelemetry-api>=1.21,<2",
    patches=(Custom("opentelemetry.metrics", _metrics), Custom("opentelemetry.sdk.metrics", _sdk, optional=True)),
    modules=("opentelemetry.metrics",),
)
