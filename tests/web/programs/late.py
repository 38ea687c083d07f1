"""An application that gets hold of `set_attributes` while it serves, within spans of its own."""

import logging
import sys
from typing import Any

from opentelemetry import trace

import platform_instrument

logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
log = logging.getLogger("shop")
span = trace.get_tracer("shop").start_as_current_span


async def asgi(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    with span("handler"):
        with span("login"):
            platform_instrument.set_attributes(user_id="7")
        log.info("step <handler>")
        with span("query"):
            pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
