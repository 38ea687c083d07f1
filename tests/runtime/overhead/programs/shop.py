"""A WSGI application that asks Redis for something ten times for each request; the server's URL is in REDIS_URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from collections.abc import Callable

client = redis.Redis.from_url(os.environ["REDIS_URL"])


def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    for _ in range(10):
        client.get("overhead")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
