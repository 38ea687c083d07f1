"""What we do not observe ourselves, upstream's instrumentors do: loaded with their library, contained, and by our ways out."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.examination import codes
from tests.processes import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

RENDER = """
import sys
import jinja2
print(jinja2.Template("hello {{ name }}").render(name="bob"))
"""
LOADED = "print(sorted(name for name in sys.modules if name.startswith('opentelemetry')))"
DOORS = {
    "platform-instrument": {},
    "opentelemetry-instrument": {"OTEL_PYTHON_DISTRO": "platform_instrument", "OTEL_PYTHON_CONFIGURATOR": "platform_instrument"},
}


def work(
    program: str, collector: Collector, env: Mapping[str, str] | None = None, door: str = "platform-instrument"
) -> tuple[list[str], str]:
    """Run a program; return the lines that it printed, and what was said beside them."""
    done = run([door, sys.executable, "-c", program], collector=collector, env={**DOORS[door], **(env or {})})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


def scopes(collector: Collector) -> dict[str, str]:
    """Return who made the spans of each name."""
    return {span.name: span.scope.name.removeprefix("opentelemetry.instrumentation.") for span in collector.spans}


@pytest.mark.parametrize("door", DOORS)
def test_an_instrumentor_is_loaded_with_its_library(door: str, collector: Collector) -> None:
    lines, said = work(RENDER, collector, door=door)
    assert lines == ["hello bob"]
    assert scopes(collector) == {"jinja2.compile": "jinja2", "jinja2.render": "jinja2"}
    assert len(collector.spans) == 2
    assert said == "" or door == "opentelemetry-instrument"  # upstream says what it leaves out


def test_without_its_library_nothing_of_it_is_loaded(collector: Collector) -> None:
    assert work(f"import sys, logging; {LOADED}", collector)[0] == ["[]"]


@pytest.mark.parametrize(
    "env",
    [
        {"PLATFORM_INSTRUMENTATION_JINJA2": "off"},
        {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "jinja2"},
        {"PLATFORM_DISABLED_INSTRUMENTATIONS": "*"},
        {"PLATFORM_INSTRUMENTATIONS": "redis,httpx"},
        {"PLATFORM_ENABLED": "false"},
    ],
)
def test_it_is_switched_off_as_ours_are(env: dict[str, str], collector: Collector) -> None:
    assert work(f"{RENDER}\n{LOADED}", collector, env) == (["hello bob", "[]"], "")
    assert collector.spans == ()


def test_one_for_what_is_ours_is_preferred_on_request(collector: Collector, redis_url: str) -> None:
    program = f"import redis; print(redis.Redis.from_url({redis_url!r}).set('key', 'topsecret'))"
    assert work(program, collector)[0] == ["True"]
    assert work(program, collector, {"PLATFORM_INSTRUMENTATION_REDIS": "contrib"})[0] == ["True"]
    assert work(program, collector, {"PLATFORM_INSTRUMENTATION_REDIS": "native"})[0] == ["True"]
    ours, theirs, again = [span for span in collector.spans if span.name == "SET"]
    assert [span.scope.name for span in (ours, theirs, again)] == [
        "platform_instrument.redis",
        "opentelemetry.instrumentation.redis",
        "platform_instrument.redis",
    ]
    assert theirs.attributes["db.system.name"] == "redis"  # the stable names
    assert "topsecret" not in repr(theirs)


def test_one_that_the_service_switches_on_itself_is_the_service_s(collector: Collector) -> None:
    program = """
import threading, jinja2
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.instrumentation.jinja2 import Jinja2Instrumentor
own = TracerProvider()
own.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=lambda span: f"own {span.name}\\n")))
assert Jinja2Instrumentor().is_instrumented_by_opentelemetry
Jinja2Instrumentor().instrument(tracer_provider=own)
jinja2.Template("hello").render()
Jinja2Instrumentor().uninstrument()
jinja2.Template("hello").render()
"""
    assert work(program, collector) == (["own jinja2.compile", "own jinja2.render"], "")
    assert collector.spans == ()


def instrumentor(folder: Path, name: str, body: str) -> dict[str, str]:
    """Write an instrumentor's package, as one that is installed; return the environment that finds it."""
    package = folder / "opentelemetry" / "instrumentation" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"""
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

class Made(BaseInstrumentor):
    def instrumentation_dependencies(self):
        return ("jinja2 >= 1",)
    def _instrument(self, **options):
        pass
    def _uninstrument(self, **options):
        print("taken back")
{body}
""")
    return {"PYTHONPATH": str(folder)}


def test_its_attributes_leave_masked(tmp_path: Path, collector: Collector) -> None:
    body = """
    def _instrument(self, **options):
        from opentelemetry import trace
        with trace.get_tracer("opentelemetry.instrumentation.xmlrpc").start_as_current_span("call") as span:
            span.set_attribute("db.statement", "SELECT * FROM t WHERE name = 'topsecret'")
            span.set_attribute("http.url", "http://bob:topsecret@localhost/?token=topsecret")
            span.set_attribute("note", "sent to bob@example.com")
"""
    work("import xmlrpc.client", collector, instrumentor(tmp_path, "xmlrpc", body))
    (span,) = collector.spans
    assert span.attributes["db.statement"] == "SELECT * FROM t WHERE name = ?"
    assert span.attributes["note"] == "sent to [email]"
    assert "topsecret" not in repr(span)


def test_one_that_fails_is_contained_and_said_and_keeps_no_other_from_its_work(tmp_path: Path, collector: Collector) -> None:
    env = instrumentor(tmp_path, "xmlrpc", "    def _instrument(self, **options):\n        raise OSError('broken')\n")
    lines, said = work(f"import xmlrpc.client\n{RENDER}", collector, env)
    assert (lines, scopes(collector)) == (["hello bob"], {"jinja2.compile": "jinja2", "jinja2.render": "jinja2"})
    assert "xmlrpc is not instrumented: OSError" in said
    assert "Traceback" not in said


def test_one_whose_library_is_another_version_is_left_out_and_that_is_said(tmp_path: Path, collector: Collector) -> None:
    body = "    def instrumentation_dependencies(self):\n        return ('jinja2 < 1',)\n"
    _, said = work("import xmlrpc.client", collector, instrumentor(tmp_path, "xmlrpc", body))
    assert "xmlrpc is not instrumented: " in said
    assert "jinja2 < 1" in said


def test_one_of_several_that_is_for_a_library_that_is_not_there_keeps_no_other_from_its_work(
    tmp_path: Path, collector: Collector
) -> None:
    body = """
    def _instrument(self, **options):
        print("at work")

class Other(Made):
    def instrumentation_dependencies(self):
        return ("no-such-library >= 1",)
"""
    assert work("import xmlrpc.client", collector, instrumentor(tmp_path, "xmlrpc", body)) == (["at work"], "")


def test_what_is_not_installed_is_said_and_ours_is_used(collector: Collector, redis_url: str) -> None:
    program = f"import redis; redis.Redis.from_url({redis_url!r}).set('key', 'value')"
    env = {"PLATFORM_INSTRUMENTATION_FLUX": "contrib"}
    _, said = work(program, collector, env)
    assert said == (
        "platform-instrument: PLATFORM_INSTRUMENTATION_FLUX=contrib, but upstream's instrumentor is not installed; "
        "install opentelemetry-instrumentation-flux\n"
    )
    assert [span.scope.name for span in collector.spans] == ["platform_instrument.redis"]


def test_a_word_that_is_no_choice_is_said(collector: Collector) -> None:
    _, said = work("import logging", collector, {"PLATFORM_INSTRUMENTATION_REDIS": "upstream"})
    assert "PLATFORM_INSTRUMENTATION_REDIS" in said
    assert "native, contrib, off" in said


def test_doctor_lists_it_with_ours(collector: Collector) -> None:
    done = run(["platform-instrument", "doctor", "--json", "--", sys.executable, "-c", RENDER], collector=collector)
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert "PI402" not in codes(found)  # nobody else has switched it on
    libraries = {library["name"]: library for library in found["libraries"]}
    assert libraries["jinja2"]["status"] == "patched"
    assert libraries["jinja2"]["version"]
