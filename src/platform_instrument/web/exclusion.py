"""Requests that leave no trace: probes and scrapers by their user agent, and the URLs of `OTEL_PYTHON_EXCLUDED_URLS`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_instrument.telemetry import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

AGENTS = ("kube-probe/", "Prometheus/", "ELB-HealthChecker/")


class _Rules:
    """Compiled on the first request."""

    search: Callable[[str], object] | None = None
    ready = False


def excluded(path: str, agent: str) -> bool:
    """Say whether a request is left out of traces."""
    if agent.startswith(AGENTS):
        return True
    if not _Rules.ready:
        prepare()
    return _Rules.search is not None and _Rules.search(path) is not None


def prepare() -> None:
    """Compile the patterns of the settings, each searched in the path; one that is no regular expression is left out."""
    settings = pipeline.PIPELINE.settings if pipeline.PIPELINE is not None else None
    patterns = []
    for pattern in settings.python_excluded_urls if settings is not None else ():
        try:
            re.compile(pattern)
        except re.error:
            continue
        patterns.append(f"(?:{pattern})")
    _Rules.search = re.compile("|".join(patterns)).search if patterns else None
    _Rules.ready = True
