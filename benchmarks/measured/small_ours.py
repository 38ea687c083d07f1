"""The small pieces of work, by `platform_instrument`: prints µs of each as JSON."""

import json

from timing import best_us
from work import BOUNDS, CONSTANT, METRIC, TRACEPARENT, VARYING

from platform_instrument.core.values import SERVER, Call, Instrument, Operation
from platform_instrument.engine.scope import Plan, enter, leave
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.meters.provider import PROVIDER
from platform_instrument.telemetry.metrics.registry import cell_of
from platform_instrument.telemetry.otlp import SpanEncoder
from platform_instrument.telemetry.propagation import Propagation
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.span import Span

DURATION = Instrument(
    "http.server.request.duration", "", constant=tuple(CONSTANT), varying=("http.response.status_code",), bounds=BOUNDS
)
REQUEST = Operation("GET /plants/{id}", SERVER, CONSTANT, DURATION)
PLAN = Plan("bench", lambda _call: REQUEST, lambda _call, _result: VARYING, None, None, 0, own_scope("bench"))


def span() -> Span:
    """Open a span, make it current, give it ten attributes, end it."""
    call = enter(PLAN, (), {})
    assert isinstance(call, Call)
    leave(PLAN, call, None)
    ended: Span = call.span
    return ended


ended = [span() for _ in range(512)]
encoder = SpanEncoder({"service.name": "bench"})
propagation = Propagation()
headers = {"traceparent": TRACEPARENT}
parent = Ambient(1 << 100, 1 << 50, 1)
histogram = PROVIDER.get_meter("bench").create_histogram("bench.duration", "s")


def through_the_api() -> float:
    """Record inside a sampled span, as an application does."""
    token = CURRENT.set(ended[0])
    best = best_us(lambda: histogram.record(0.003, METRIC))
    CURRENT.reset(token)
    return best


print(
    json.dumps(
        {
            "span": best_us(span),
            "encode": best_us(lambda: encoder.encode(ended), 50) / len(ended),
            "histogram": best_us(lambda: cell_of(REQUEST, DURATION, VARYING).record(0.003, ended[0])),
            "meter": through_the_api(),
            "extract": best_us(lambda: propagation.extract(headers.get)),
            "inject": best_us(lambda: propagation.inject(parent, "localhost", {})),
        }
    )
)
