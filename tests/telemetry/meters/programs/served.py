"""A WSGI application that has counted before its server forks, and counts each request."""

from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry import metrics

orders = metrics.get_meter("shop").create_counter("orders", "{order}")
orders.add(5, {"path": "/early"})


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    orders.add(1, {"path": environ["PATH_INFO"]})
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"counted"]
