"""The settings file: the same settings as a tree, below the environment, and harmless whatever it holds."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from platform_instrument.config.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.config.problem import ConfigProblem
    from platform_instrument.config.schema import Settings

needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")


def read_text(
    folder: Path, text: str | bytes, name: str = "settings.yaml", **environ: str
) -> tuple[Settings, list[ConfigProblem]]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return read({**environ, "PLATFORM_CONFIG_FILE": str(path)})


TREE_YAML = """
otel:
  service_name: shop
  resource_attributes: {deployment.environment.name: "a,b=c%é", team: 7}
  exporter:
    otlp:
      endpoint: https://collector:4318
      headers: {Authorization: Bearer x}
      traces: {timeout: 2000}
  traces: {sampler: parentbased_traceidratio, sampler-arg: 0.1}
  propagators: [b3, baggage]
platform:
  trust_inbound: false
  instrumentation: {django: no}
PLATFORM_FLUSH_TIMEOUT: 1.5
OTEL_TRACES_EXPORTER: console
"""

TREE_TOML = """
PLATFORM_FLUSH_TIMEOUT = 1.5
OTEL_TRACES_EXPORTER = "console"
[otel]
service_name = "shop"
propagators = ["b3", "baggage"]
[otel.resource_attributes]
"deployment.environment.name" = "a,b=c%é"
team = 7
[otel.exporter.otlp]
endpoint = "https://collector:4318"
traces.timeout = 2000
headers.Authorization = "Bearer x"
[otel.traces]
sampler = "parentbased_traceidratio"
sampler-arg = 0.1
[platform]
trust_inbound = false
instrumentation.django = false
"""


@pytest.mark.parametrize(
    ("name", "text"), [("a.yaml", TREE_YAML), ("a.YML", TREE_YAML), pytest.param("a.toml", TREE_TOML, marks=needs_toml)]
)
def test_a_tree_in_yaml_or_toml_is_the_same_settings(tmp_path: Path, name: str, text: str) -> None:
    found, problems = read_text(tmp_path, text, name)
    assert problems == []
    assert found.service_name == "shop"
    assert found.resource_attributes == {"deployment.environment.name": "a,b=c%é", "team": "7"}
    assert found.exporter_otlp_endpoint == "https://collector:4318"
    assert found.exporter_otlp_headers == {"authorization": "Bearer x"}
    assert found.exporter_otlp_traces_timeout == 2.0  # type: ignore[attr-defined] # made by the schema
    assert (found.traces_sampler, found.traces_sampler_arg) == ("parentbased_traceidratio", 0.1)
    assert found.propagators == ("b3", "baggage")
    assert found.trust_inbound is False
    assert found.instrumentation_switches == {"django": "off"}
    assert found.flush_timeout == 1.5
    assert found.traces_exporter == ("console",)
    assert found.source("service_name") == "file"


def test_the_environment_wins_over_the_file_and_a_bad_value_leaves_the_file(tmp_path: Path) -> None:
    text = "otel: {service_name: shop, traces: {sampler: always_off}}"
    found, problems = read_text(tmp_path, text, OTEL_SERVICE_NAME="till", OTEL_TRACES_SAMPLER="sometimes")
    assert (found.service_name, found.source("service_name")) == ("till", "environment")
    assert (found.traces_sampler, found.source("traces_sampler")) == ("always_off", "file")
    assert [problem.used for problem in problems] == ["always_off"]


def test_a_bad_value_in_the_file_is_said_to_be_there(tmp_path: Path) -> None:
    found, problems = read_text(tmp_path, "platform: {log_format: xml}")
    assert found.log_format == "keep"
    assert (
        str(problems[0])
        == "PLATFORM_LOG_FORMAT='xml' in the file is not one of keep, text, json; keep is used; write one of these words"
    )


def test_an_unknown_key_is_said_and_suggested(tmp_path: Path) -> None:
    _, problems = read_text(tmp_path, "otel: {servce_name: x}\nfoo: {bar: 1}")
    assert [str(problem) for problem in problems] == [
        "OTEL_SERVCE_NAME in the file is not a setting; it is ignored; did you mean OTEL_SERVICE_NAME?",
        "FOO_BAR in the file is not a setting; it is ignored; see `platform-instrument config` for the names there are",
    ]


def test_what_is_needed_before_the_file_has_no_effect_in_it(tmp_path: Path) -> None:
    found, problems = read_text(tmp_path, "platform: {auto: true, config_file: other.yaml}")
    assert found.auto is False
    assert [problem.variable for problem in problems] == ["PLATFORM_AUTO", "PLATFORM_CONFIG_FILE"]


def _laughs(join: str) -> str:
    lines = ["a: &a {x: 1, y: 2}"]
    lines += [
        f"{chr(98 + n)}: &{chr(98 + n)} {join.format(','.join(f'k{i}: *{chr(97 + n)}' for i in range(9)))}" for n in range(20)
    ]
    return "\n".join(lines)


HOSTILE = {
    "aliases": _laughs("{{{}}}"),
    "merged aliases": "a: &a {x: 1}\n"
    + "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{','.join([f'*{chr(97 + n)}'] * 9)}]}}" for n in range(20)),
    "itself": "a: &a\n  b: *a\n",
    "itself twice": "a: &a\n  " + "x" * 150 + ": *a\n  c: *a\n",
    "depth": "a: " + "[" * 30_000,
    "many keys": "".join(f"k{number}: 1\n" for number in range(7000)),
    "a long key": "x" * 1000 + ": 1",
    "too long": "# " + "x" * 70_000,
    "a large number": "otel_bsp_max_queue_size: 0x" + "f" * 60_000,
    "a number as key": "0x" + "f" * 5000 + ": 1",
    "no date": "a: 2001-99-99",
    "python": "a: !!python/object/apply:os.system [true]",
    "a list as key": "? [a]\n: 1",
    "a set": "otel_propagators: !!set {a, b}",
    "bytes": "otel_service_name: !!binary aGFsbG8=",
    "surrogate": 'otel_service_name: "\\ud800"',
    "a list": "- 1",
    "a scalar": "secret",
    "not yaml": "a: b: secret",
    "control": "a: \x00",
    "not utf-8": b"a: \xff\xfe",
    "no key": "~: 1",
    "list of lists": "otel_propagators: [[a]]",
    "comma in a list": "otel_propagators: ['a,b']",
    "equals in a key": "otel_resource_attributes: {a=b: c}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_a_line_and_no_time(tmp_path: Path, name: str) -> None:
    started = time.process_time()
    found, problems = read_text(tmp_path, HOSTILE[name], OTEL_SERVICE_NAME="shop")
    assert time.process_time() - started < 5
    assert found.service_name == "shop"
    assert 1 <= len(problems) <= 21
    for problem in problems:
        assert str(problem).isascii()
        assert str(problem).isprintable()
        assert len(str(problem)) < 400
        assert "secret" not in str(problem)


@needs_toml
@pytest.mark.parametrize(
    "text",
    ["a = ", "a = 0x" + "f" * 5000, "a = " + "[" * 5000, "[a]\n[a]", "a.b = 1\na = 2", "otel_propagators = [1979-05-27, {a=1}]"],
)
def test_a_hostile_toml_file_costs_a_line(tmp_path: Path, text: str) -> None:
    _, problems = read_text(tmp_path, text, "settings.toml")
    assert len(problems) == 1


def test_unknown_keys_without_end_are_counted_not_listed(tmp_path: Path) -> None:
    _, problems = read_text(tmp_path, "".join(f"key_{number}: 1\n" for number in range(500)))
    assert len(problems) == 21
    assert str(problems[-1]).startswith("PLATFORM_CONFIG_FILE has 480 more keys that are no settings; ")


@given(strategies.binary(max_size=200) | strategies.text(alphabet='{}[]:,&*!|>-?"%@ \n#ab01~<', max_size=80))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_raises(tmp_path: Path, content: str | bytes) -> None:
    for name in ("x.yaml", "x.toml"):
        read_text(tmp_path, content, name)


def test_a_path_that_is_no_readable_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "a.json").write_text("{}")
    for path, said in {
        str(tmp_path): "is not a file",
        str(tmp_path / "missing.yaml"): "is not a file",
        str(tmp_path / "pipe.yaml"): "is not a file",
        "a\0b": "is not a file",
        "\udcff.yaml": "is not a file",
        str(tmp_path / "a.json"): "is neither .toml nor .yaml",
    }.items():
        _, problems = read({"PLATFORM_CONFIG_FILE": path})
        assert len(problems) == 1
        assert said in str(problems[0])


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    found, problems = read_text(tmp_path, b"\xef\xbb\xbfotel_service_name: shop")
    assert (found.service_name, problems) == ("shop", [])


def test_without_pyyaml_a_yaml_file_is_said_to_need_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    _, problems = read_text(tmp_path, "otel_service_name: shop")
    assert "is YAML, which needs PyYAML; it is ignored; install PyYAML, or write it in TOML" in str(problems[0])
