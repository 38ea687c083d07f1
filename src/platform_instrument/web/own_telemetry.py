"""FastAPI's and Starlette's own telemetry: it makes nothing of a request that we observe, but for what leaves another way.

Where no application has chosen providers of its own, the scope tells FastAPI that somebody else has the request, and nothing of
this is called. Starlette's is a middleware that the application has put in place.
Source: fastapi/telemetry/_asgi.py `NativeTelemetry` (0.165); starlette/middleware/opentelemetry.py (1.10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from platform_instrument.telemetry.elsewhere import Elsewhere, points_leave, records_leave, spans_leave
from platform_instrument.web.exchange import KEY

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_STARLETTE = "starlette.opentelemetry"
"""Starlette's telemetry middleware lets a request pass where this says that somebody else has it."""
_SIGNALS = (
    ("tracing", "tracer_provider", spans_leave),
    ("metrics", "meter_provider", points_leave),
    ("logs", "logger_provider", records_leave),
)
_OF_OWN: WeakKeyDictionary[Any, dict[tuple[bool, ...], Any]] = WeakKeyDictionary()
"""FastAPI's telemetry of an application → which signals leave another way → the same with the others off."""


def let_pass(call: Call) -> None:
    """Tell Starlette's middleware that we have the request, where its span would leave as ours does."""
    middleware, scope = call.args[0], call.argument(1, "scope")
    if KEY in scope and not spans_leave(middleware._tracer_provider):  # noqa: SLF001 - what it makes its spans by
        scope[_STARLETTE] = True


def note_providers(call: Call) -> None:
    """Note whether an application has chosen providers of its own."""
    config = call.argument(1, "config")
    Elsewhere.known |= any(config[named] is not None for _, named, _ in _SIGNALS)


def leave_to_us(call: Call) -> None:
    """Have FastAPI's telemetry make, of a request that we observe, what leaves another way than ours and nothing else."""
    telemetry, scope = call.args[0], call.argument(2, "scope")
    if KEY not in scope and scope["type"] != "websocket":
        return
    leaving = tuple(leaves(telemetry.config[named]) for _, named, leaves in _SIGNALS)
    made = _OF_OWN.setdefault(telemetry, {})
    if leaving not in made:
        wanted = {signal: telemetry.config[signal] and leaves for (signal, _, _), leaves in zip(_SIGNALS, leaving, strict=True)}
        made[leaving] = type(telemetry)({**telemetry.config, **wanted})
    call.args = (made[leaving], *call.args[1:])
