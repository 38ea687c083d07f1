"""Addresses to be checked, as a setting lists them: `tcp://db:5432,http://auth/healthz`; loaded where one is set."""

from __future__ import annotations

from urllib.parse import urlsplit

_LONGEST = 500


def targets(text: str) -> tuple[str, ...] | None:
    """Return the URLs of a list without repetitions, None where one of them cannot be asked.

    Neither user and password nor a query: what is checked is shown by its URL.
    """
    items = dict.fromkeys(item for part in text.split(",") if (item := part.strip()))
    return tuple(items) if items and all(map(_is_target, items)) else None


def _is_target(url: str) -> bool:
    if len(url) > _LONGEST or not (url.isascii() and url.isprintable()) or any(sign in url for sign in " @?#\\"):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if not parts.hostname or port == 0:
        return False
    return (port is not None and parts.path in {"", "/"}) if parts.scheme == "tcp" else parts.scheme in {"http", "https"}
