"""Which format a scraper wants, by the headers of its request (RFC 9110, 12.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = "text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS = "application/openmetrics-text"
_VERSIONS = {"": "1.0.0", "1.0.0": "1.0.0", "0.0.1": "0.0.1"}
"""Versions that are asked for, and what is answered: what we write is the same in both."""

_LONGEST = 4_096
_MOST_NAMES = 1_000


class Format(NamedTuple):
    """How a page is to be written."""

    openmetrics: bool
    content_type: str
    gzip: bool


def negotiated(accept: str, accept_encoding: str) -> Format:
    """Return the format that the client likes best, of equals the first it names; text where it names none that we have."""
    best, wanted = 0.0, TEXT
    for kind, parameters, quality in _choices(accept):
        offered = _offered(kind, parameters)
        if offered and quality > best:
            best, wanted = quality, offered
    return Format(wanted != TEXT, wanted, _gzip(accept_encoding))


def wanted_names(query: str) -> frozenset[str]:
    """Return the names that a query asks for as `name[]`, as those of `prometheus_client` do; none: all are wanted."""
    if "name" not in query:
        return frozenset()
    return frozenset(parse_qs(query[:_LONGEST], max_num_fields=_MOST_NAMES).get("name[]", ()))


def _offered(kind: str, parameters: dict[str, str]) -> str:
    """Return the content type by which a media range is answered, empty where there is none."""
    version = parameters.get("version", "")
    if kind == _OPENMETRICS:
        return f"{_OPENMETRICS}; version={_VERSIONS[version]}; charset=utf-8" if version in _VERSIONS else ""
    if kind == "text/plain":
        return TEXT if version in {"", "0.0.4"} else ""
    return TEXT if kind in {"*/*", "text/*"} else ""


def _gzip(accept_encoding: str) -> bool:
    """Say whether the client takes gzip, and likes it no less than none."""
    qualities = {coding: quality for coding, _, quality in _choices(accept_encoding)}
    quality = qualities.get("gzip", qualities.get("*", 0.0))
    return quality > 0 and quality >= qualities.get("identity", 0.0)


def _choices(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Return what a header lists: names in lower case, their parameters, how much they are liked."""
    for choice in header[:_LONGEST].split(","):
        name, *given = choice.split(";")
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in (item.partition("=") for item in given)}
        yield name.strip().lower(), parameters, _quality(parameters.get("q", "1"))


def _quality(text: str) -> float:
    """Return a quality between 0 and 1; what is none means that the choice is not one."""
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
