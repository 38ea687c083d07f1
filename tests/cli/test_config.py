"""`platform-instrument config`: every setting, its value, where it came from, and what is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from platform_instrument.config.catalogue import SECTIONS
from tests.processes import BIN, run

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = BIN / "platform-instrument"


def as_json(env: dict[str, str], returncode: int = 0) -> Any:
    ended = run([COMMAND, "config", "--json"], env=env)
    assert (ended.returncode, ended.stderr) == (returncode, "")
    return json.loads(ended.stdout)


def test_every_setting_is_printed_once_aligned_with_value_and_source(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("otel: {service_name: shop}")
    env = {
        "PLATFORM_CONFIG_FILE": str(tmp_path / "a.yaml"),
        "OTEL_BSP_SCHEDULE_DELAY": "250",
        "PLATFORM_INSTRUMENTATION_REDIS": "off",
    }
    ended = run([COMMAND, "config"], env=env)
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = [line for line in ended.stdout.splitlines() if line.startswith("  ")]
    table = {line.split()[0]: line for line in lines}
    assert len(table) == len(lines)
    assert set(table) == {variable for promises in SECTIONS.values() for variable in promises} | {
        "PLATFORM_INSTRUMENTATION_REDIS"
    }
    assert table["OTEL_SERVICE_NAME"].split()[1:] == ["shop", "file"]
    assert table["OTEL_BSP_SCHEDULE_DELAY"].split()[1:] == ["250", "ms", "environment"]
    assert table["PLATFORM_INSTRUMENTATION_REDIS"].split()[1:] == ["off", "environment"]
    assert table["PLATFORM_FLUSH_TIMEOUT"].split()[1:] == ["3", "s", "default"]
    assert "(all)" in table["PLATFORM_INSTRUMENTATIONS"]
    wide = "OTEL_PYTHON_GRPC_EXCLUDED_SERVICES"  # a value that is wider than its column pushes the rest of its own line alone
    assert len({line.index(" default") for line in lines if line.endswith(" default") and wide not in line}) == 1
    assert "problem" not in ended.stdout


def test_problems_are_printed_last_and_end_with_1() -> None:
    ended = run(
        [COMMAND, "config"],
        env={"OTEL_TRACES_SAMPLER": "often", "OTEL_SERVICENAME": "x", "OTEL_EXPORTER_OTLP_ENDPOINT": "c:4318"},
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    problems = ended.stdout.partition("\n3 problems\n")[2].splitlines()
    assert [line.split()[0].partition("=")[0] for line in problems] == [
        "OTEL_TRACES_SAMPLER",
        "OTEL_SERVICENAME",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]


def test_json_has_a_stable_shape_and_the_problems_in_parts() -> None:
    found = as_json({"OTEL_TRACES_SAMPLER": "always_of", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "700"}, returncode=1)
    assert set(found) == {"settings", "problems"}
    by_name = {row["variable"]: row for row in found["settings"]}
    assert by_name["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"] == {
        "variable": "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "value": "700",
        "unit": "ms",
        "default": "",
        "otherwise": "",
        "source": "environment",
        "section": "Where telemetry goes",
        "promise": "Longest time for one attempt.",
    }
    assert found["problems"] == [
        {
            "variable": "OTEL_TRACES_SAMPLER",
            "value": "'always_of'",
            "problem": "is not one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio",
            "used": "parentbased_always_on",
            "remedy": "did you mean always_off?",
        }
    ]


def test_secrets_are_masked_in_both_forms() -> None:
    env = {
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=s3cr3t",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://me:s3cr3t@host:4318/?token=s3cr3t",
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "s3cr3t",
    }
    for words in ([], ["--json"]):
        ended = run([COMMAND, "config", *words], env=env)
        assert "s3cr3t" not in ended.stdout + ended.stderr
        assert "https://***@host:4318/?***" in ended.stdout


def test_the_command_itself_is_not_instrumented_and_says_nothing_besides() -> None:
    ended = run([COMMAND, "config"], env={"PLATFORM_AUTO": "1"})
    assert (ended.returncode, ended.stderr) == (0, "")


def test_any_encoding_of_the_output_and_any_text_can_be_printed() -> None:
    ended = run(
        [COMMAND, "config"],
        env={"PYTHONIOENCODING": "ascii", "OTEL_SERVICE_NAME": "größe", "PLATFORM_INTERNAL_HOSTS": "a\x1b[31mb"},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert r"gr\xf6\xdfe" in ended.stdout
    assert "\x1b" not in ended.stdout


def test_a_reader_that_leaves_early_is_no_error() -> None:
    done = run(["sh", "-c", f"{COMMAND} config | true"])
    assert (done.stdout, done.stderr) == ("", "")


def test_help_is_printed() -> None:
    ended = run([COMMAND, "config", "--help"])
    assert ended.returncode == 0
    assert ended.stdout.startswith("usage: platform-instrument config [--json]")
