"""A service that saturates a core with tiny Redis commands until it is told to stop, then rests, then works as before.

Argument: the URL of the server. On standard input, one line ends the load, the next one the rest. On standard output, one line of
JSON: how many orders there were in each phase. Each order is a trace of the service's own: two spans, ten commands between them, of
which every hundredth order has one that fails; what the commands would hand on is compared with the span that they are made for.
"""

from __future__ import annotations

import json
import logging
import sys
import threading

import redis
from opentelemetry import trace

COMMANDS = 10
client = redis.Redis.from_url(sys.argv[1])
tracer = trace.get_tracer("shop")
log = logging.getLogger("shop")
log.setLevel(logging.INFO)
log.addHandler(logging.NullHandler())
client.set("overhead", "1")


def order(number: int, phase: str) -> None:
    with tracer.start_as_current_span("order", attributes={"shop.phase": phase}):
        with tracer.start_as_current_span("payment", attributes={"shop.phase": phase}):
            for _ in range(COMMANDS):
                client.get("overhead")
            if number % 100 == 0:
                try:
                    client.lpush("overhead", "1")
                except redis.ResponseError:
                    log.warning("refused")
        log.info("ordered")


def say(**counted: int) -> None:
    sys.stdout.write(json.dumps(counted) + "\n")
    sys.stdout.flush()


def listen() -> None:
    next(lines, None)
    told.set()


lines = iter(sys.stdin)
told = threading.Event()
threading.Thread(target=listen, daemon=True).start()
orders = 0
while not told.is_set():
    order(orders, "load")
    orders += 1
say(load=orders)
next(lines, None)
for number in range(1, 21):
    order(number, "after")
say(after=20)
