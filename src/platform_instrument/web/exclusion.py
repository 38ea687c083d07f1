"""Requests that leave no trace: probes and scrapers by their user agent, and the URLs of the `…_EXCLUDED_URLS` settings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.config.patterns import found_in
from platform_instrument.telemetry import pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.config.patterns import Question
    from platform_instrument.config.schema import Settings

AGENTS = ("kube-probe/", "Prometheus/", "ELB-HealthChecker/")

_FRAMEWORKS = ("fastapi", "starlette", "litestar", "flask", "quart", "django", "falcon", "bottle", "pyramid", "asgi", "wsgi")


class _Rules:
    """Compiled on the first request, when the framework of the service is loaded."""

    search: Question | None = None
    ready = False


def excluded(scheme: str, host: str, attributes: Mapping[str, Any]) -> bool:
    """Say whether a request leaves no trace: by its agent, or by a pattern found in its path or in its URL without query."""
    agent = attributes.get("user_agent.original")
    if agent is not None and agent.startswith(AGENTS):
        return True
    if not _Rules.ready:
        prepare()
    search = _Rules.search
    if search is None:
        return False
    path = attributes["url.path"]
    return search(f"{scheme}://{host}{path}") is not None or search(path) is not None


def prepare() -> None:
    """Compile the patterns of the settings."""
    if pipeline.PIPELINE is not None:
        _Rules.search = found_in(_patterns(pipeline.PIPELINE.settings))
        _Rules.ready = True


def _patterns(settings: Settings) -> tuple[str, ...]:
    """Return the patterns that hold: those of the frameworks in this process, where there are any, instead of the general."""
    own = settings.excluded_urls_by_library
    names = [name for name in _FRAMEWORKS if name in own and (name in sys.modules or name in {"asgi", "wsgi"})]
    return tuple(pattern for name in names for pattern in own[name]) if names else settings.python_excluded_urls
