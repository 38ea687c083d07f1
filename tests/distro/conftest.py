"""The environment that the tests beside other agents share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.environments import build_wheel, make_venv, pip

if TYPE_CHECKING:
    from pathlib import Path

AGENTS = ("ddtrace", "elastic-apm[flask]", "newrelic", "sentry-sdk[flask]")
INSTRUMENTORS = ("aiohttp-client", "asgi", "fastapi", "flask", "httpx", "jinja2", "logging", "requests", "sqlalchemy", "sqlite3", "urllib3", "wsgi")  # fmt: skip
SERVICES = ("aiohttp", "fastapi", "flask", "gunicorn", "httpx", "httpx2", "requests", "sqlalchemy<2.1", "uvicorn")
"""Upstream's instrumentor takes no SQLAlchemy from 2.1 on."""
SDK = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")


@pytest.fixture(scope="session")
def agents_binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` of an environment with us, every agent and upstream's instrumentors."""
    made = make_venv(tmp_path_factory.mktemp("agents") / "venv")
    instrumentors = (f"opentelemetry-instrumentation-{name}" for name in INSTRUMENTORS)
    pip(made, "install", build_wheel(tmp_path_factory.mktemp("wheel")), *AGENTS, *instrumentors, *SERVICES, *SDK)
    return made
