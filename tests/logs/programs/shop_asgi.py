"""An ASGI application without a framework: what it raises, its server reports."""

from __future__ import annotations

import logging
from typing import Any


async def app(scope: Any, _receive: Any, send: Any) -> None:
    """Answer, or fail before there is an answer."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/fail":
        raise ValueError("no money")
    logging.getLogger("shop").warning("in %s", scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"paid"})
