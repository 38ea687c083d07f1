"""Where the time of our own code is taken: functions that the wrappers call by a name that can be exchanged for a while.

A place is a name in a module, or an attribute of an object, that is looked up with each call; never a method of a class, since a
class that is changed again and again loses the interpreter's caches. What wrappers do around these calls is not in the time.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.engine.timing import TIMED
from platform_instrument.telemetry import limits, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platform_instrument.runtime.overhead.tally import Tally
    from platform_instrument.telemetry.scope import InstrumentationScope

    Who = Callable[[tuple[Any, ...]], str]
    """From the arguments of a call to the name of the instrumentation that it is for."""
    Seen = Callable[[Tally, tuple[Any, ...]], None]
    """Notes what a call has ended, once it is over."""

APPLICATION = "application"
"""Stands for the spans that the application makes by the API."""
WORKER = "worker"
"""Stands for the thread that encodes and sends."""

_OURS, _UPSTREAMS = "platform_instrument.", "opentelemetry.instrumentation."


def name_of(scope: InstrumentationScope) -> str:
    """Return the name of the instrumentation that makes the spans of a scope, as the settings know it."""
    name = scope.name
    if name.startswith(_OURS):
        return name[len(_OURS) :]
    return name[len(_UPSTREAMS) :].partition(".")[0] if name.startswith(_UPSTREAMS) else APPLICATION


def _planned(args: tuple[Any, ...]) -> str:
    return name_of(args[0].scope)


def _edited(args: tuple[Any, ...]) -> str:
    place: str = args[0].place
    return place.partition(" ")[0]


def _scoped(at: int) -> Who:
    return lambda args: name_of(args[at])


def _under(name: str) -> Who:
    return lambda _args: name


def _span_seen(tally: Tally, args: tuple[Any, ...]) -> None:
    tally.ended(args[0], name_of(args[0].scope))


def _record_seen(tally: Tally, args: tuple[Any, ...]) -> None:
    tally.logged(args[2].levelno)


def _said_seen(tally: Tally, args: tuple[Any, ...]) -> None:
    tally.logged(args[1].level)


_http, _logs = _under("http"), _under("logs")

NAMES: tuple[tuple[str, str, Who, Seen | None], ...] = (
    ("engine.drive", "enter", _planned, None),
    ("engine.drive", "open_call", _planned, None),
    ("engine.drive", "leave", _planned, None),
    ("engine.drive", "fail", _planned, None),
    ("engine.blocks", "enter", _planned, None),
    ("engine.blocks", "leave", _planned, None),
    ("engine.blocks", "fail", _planned, None),
    ("engine.answers", "leave", _planned, None),
    ("engine.answers", "fail", _planned, None),
    ("engine.edits", "_edited", _edited, None),
    ("instrumentations.tornado_client", "open_call", _planned, None),
    ("instrumentations.grpc_client", "client_span", _scoped(1), None),
    ("instrumentations.grpc_aio_client", "client_span", _scoped(1), None),
    ("instrumentations.grpc_server", "served_span", _scoped(3), None),
    ("instrumentations.grpc_aio_server", "served_span", _scoped(3), None),
    ("instrumentations.celery", "received", _scoped(3), None),
    ("instrumentations.celery_worker", "received", _scoped(3), None),
    ("telemetry.api", "start", _scoped(4), None),
    ("telemetry.printed", "finished", _under("logging"), None),
    ("telemetry.logs.capture", "catch", _logs, _record_seen),
    ("telemetry.logs.foreign", "take", _logs, _said_seen),
    ("web.asgi", "open_exchange", _http, None),
    ("web.asgi", "described", _http, None),
    ("web.asgi", "_marked", _http, None),
    ("web.asgi", "_sent", _http, None),
    ("web.asgi", "_left", _http, None),
    ("web.wsgi", "open_exchange", _http, None),
    ("web.wsgi", "server_address", _http, None),
    ("web.wsgi", "_started", _http, None),
    ("web.wsgi", "_failed", _http, None),
    ("web.wsgi", "_answered", _http, None),
)
"""Modules of ours, names in them that hold a function, whom its calls are for, and what they end."""


def places(*, with_worker: bool) -> Iterator[tuple[Any, str, Who, Seen | None]]:
    """Yield owner, attribute, whom and what for every place that is loaded by now; `with_worker`, those of its encoding too."""
    for module, name, who, seen in NAMES:
        owner = sys.modules.get(_OURS + module)
        if owner is not None:
            yield owner, name, who, seen
    for timed in tuple(TIMED):
        yield timed, "end", _under(timed.place.partition(" ")[0]), None
    yield limits, "ENDED", lambda args: name_of(args[0].scope), _span_seen
    running = pipeline.PIPELINE
    if running is None:
        return
    yield running, "settle", lambda args: name_of(args[0].scope), _span_seen
    if with_worker:
        outlets = running.outlets()
        yield outlets, "put_spans", _under(WORKER), None
        yield outlets, "put_metrics", _under(WORKER), None
