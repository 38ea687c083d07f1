"""Unknown variables: a word only about those that are nearly ours."""

from __future__ import annotations

import re
import time
from importlib.metadata import distributions

import pytest

from platform_instrument.config.read import read
from platform_instrument.config.schema import setting_of


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("OTEL_SERVICENAME", "OTEL_SERVICE_NAME"),
        ("OTEL_TRACE_SAMPLER", "OTEL_TRACES_SAMPLER"),
        ("OTEL_EXPORTER_OTLP_ENDPOIN", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("OTEL_EXPORTER_OTLP_TRACE_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ("OTEL_RESOURCE_ATTRIBUTE", "OTEL_RESOURCE_ATTRIBUTES"),
        ("PLATFORM_ENABLE", "PLATFORM_ENABLED"),
        ("PLATFORM_SERVICE_NAME", "OTEL_SERVICE_NAME"),
        ("PLATFORM_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER"),
        ("PLATFORM_DISABLE_INSTRUMENTATIONS", "PLATFORM_DISABLED_INSTRUMENTATIONS"),
        ("PLATFORM_ENABLED_INSTRUMENTATIONS", "PLATFORM_INSTRUMENTATIONS"),
        ("OTEL_EXPORTER_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ],
)
def test_a_name_close_to_one_of_ours_gets_a_suggestion_and_its_value_is_not_shown(name: str, meant: str) -> None:
    _, problems = read({name: "hunter2"})
    assert [str(problem) for problem in problems] == [f"{name} is not a setting; it is ignored; did you mean {meant}?"]


@pytest.mark.parametrize(
    "name",
    ["PLATFORM_NAME", "PLATFORM_VERSION", "PLATFORM_ENV", "PLATFORM_DB_URL", "OTEL_SERVICE_NAMESPACE", "OTEL_JAVAAGENT_DEBUG", "otel_service_nam",
     "PLATFORM_LOG_SERVICE_HOST", "PLATFORM_LOG_FORMAT_PORT_80_TCP", "OTEL_NODE_ENABLED_INSTRUMENTATIONS", "XOTEL_SERVICE_NAM"],
)  # fmt: skip
def test_a_name_that_is_somebody_elses_gets_no_word(name: str) -> None:
    assert read({name: "x"})[1] == []


def test_no_variable_of_upstreams_packages_is_called_misspelt() -> None:
    names = set()
    for distribution in distributions():
        if distribution.metadata["Name"].startswith("opentelemetry-"):
            for file in distribution.files or ():
                if file.suffix == ".py":
                    names.update(re.findall(r"OTEL_[A-Z_]*[A-Z]\b", file.read_text(encoding="utf-8")))
    unknown = {name for name in names if setting_of(name) is None and not names & {f"{name}_COUNT_LIMIT"}}
    assert len(unknown) > 20
    called = {problem.variable for problem in read(dict.fromkeys(unknown, "x"))[1]}
    assert called == set()


def test_foreign_variables_without_end_cost_a_start_little() -> None:
    environ = {f"PLATFORM_SOMETHING_ELSE_{number}": "x" for number in range(2000)}
    started = time.perf_counter()
    assert read(environ)[1] == []
    assert time.perf_counter() - started < 1
