"""A pytest plugin: what a service's own tests need to see its telemetry. Importing it loads nothing but pytest.

`otlp_collector`: a running OTLP collector, whose `environment()` makes a child process export to it.
`spans`: the spans and durations of the test's own process, see `testing.recorder`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.collector import Collector
    from platform_instrument.testing.recorder import Recorder


def pytest_addoption(pluginmanager: Any) -> None:  # noqa: ANN401 - pytest's, which has no type for its hook
    """Have pytest rewrite the assertions of `platform_instrument.testing` alone, as soon as it knows of us.

    It would do so for all of a distribution that brings a plugin. But what our worker loads while a test runs would be parsed in
    a thread, and where CPython, 3.11 for one, parses in two threads at a time, the other one may fail with a `SystemError`.
    """
    hook = pluginmanager.rewrite_hook
    marked: set[str] = getattr(hook, "_must_rewrite", set())
    if "platform_instrument" in marked:
        marked.discard("platform_instrument")
        hook.mark_rewrite("platform_instrument.testing")


@pytest.fixture
def otlp_collector() -> Iterator[Collector]:
    """Return a running OTLP collector, on a port of its own."""
    from platform_instrument.testing.collector import Collector  # heavy, and only a test that asks for it pays

    with Collector() as collector:
        yield collector


@pytest.fixture
def spans() -> Iterator[Recorder]:
    """Return the record of the spans that this process ends during the test, with every library instrumented."""
    from platform_instrument.testing.recorder import instrumented, recording  # heavy, and only a test that asks pays

    with recording() as recorder, instrumented():
        yield recorder
