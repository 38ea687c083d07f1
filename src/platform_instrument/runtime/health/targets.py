"""Addresses to be checked without code: a TCP port that accepts, an HTTP server that answers with less than 400."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext


def question(url: str, seconds: float) -> Callable[[], None]:
    """Return what asks an address of `config.targets`, and raises where it does not answer well within so many seconds."""
    from urllib.parse import urlsplit  # few services list any

    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "tcp":
        return partial(_accepts, host, parts.port or 0, seconds)
    return partial(_answers, parts.scheme == "https", host, parts.port, parts.path or "/", seconds)


def _accepts(host: str, port: int, seconds: float) -> None:
    import socket

    socket.create_connection((host, port), seconds).close()


def _answers(secure: bool, host: str, port: int | None, path: str, seconds: float) -> None:  # noqa: FBT001 - by `partial`
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    if secure:
        connection: HTTPConnection = HTTPSConnection(host, port, timeout=seconds, context=_trust())
    else:
        connection = HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"User-Agent": "platform-instrument", "Connection": "close"})
        status = connection.getresponse().status
    finally:
        connection.close()
    if status >= 400:  # noqa: PLR2004 - the first status that is an error
        message = f"answered {status}"
        raise HTTPException(message)


@lru_cache(maxsize=1)
def _trust() -> SSLContext:
    """Return what the system trusts, which takes long to read."""
    from ssl import create_default_context

    return create_default_context()
