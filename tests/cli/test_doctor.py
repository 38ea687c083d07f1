"""`platform-instrument doctor`: what it finds in an environment, each finding under its code, and an exit code for CI."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from platform_instrument.cli import doctor
from platform_instrument.config.schema import Settings
from platform_instrument.distro.finding import CODES
from platform_instrument.engine.apply import why_off
from platform_instrument.instrumentations._index import NEEDED, TRIGGERS
from tests.cli.examination import COMMAND, OURS, SILENT, codes, examined, library, stub
from tests.processes import run

if TYPE_CHECKING:
    import pytest

    from platform_instrument.testing.collector import Collector

ROOT = Path(__file__).parent.parent.parent


def test_every_installed_library_is_imported_for_a_trial_and_seen_patched(collector: Collector) -> None:
    found, ended = examined(collector=collector)
    assert codes(found) == {}
    assert (ended.returncode, ended.stderr) == (0, "")
    tops = {trigger: trigger.partition(".")[0] for trigger in TRIGGERS}
    here = [trigger for trigger, top in tops.items() if top in sys.modules or importlib.util.find_spec(top) is not None]
    names = {name for trigger in here for name, _ in TRIGGERS[trigger]}
    assert {each["name"] for each in found["libraries"]} == names | {"jinja2"}
    assert library(found, "jinja2")["distribution"].lower() == "jinja2"  # by upstream's instrumentor
    unpatched = {each["name"]: each["reason"] for each in found["libraries"] if each["status"] != "patched"}
    reasons = {name: why_off(Settings(), name, NEEDED.get(name, ())) for name in names}
    assert unpatched == {name: reason for name, reason in reasons.items() if reason}
    assert unpatched["logs"] == "switched off by OTEL_LOGS_EXPORTER"
    redis = library(found, "redis")
    assert redis["distribution"] == "redis"
    assert re.match(r"\d+\.\d+", redis["version"])
    assert "redis.client:Redis.execute_command" in redis["patches"]
    assert library(found, "sqlite3")["version"] == ".".join(map(str, sys.version_info[:3]))
    assert [(export["signal"], export["arrives"]) for export in found["exports"]] == [("traces", True), ("metrics", True)]
    assert {request.path for request in collector.requests} == {"/v1/traces", "/v1/metrics"}
    assert collector.spans == ()


def test_a_collector_that_is_not_there_or_refuses_is_an_error(collector: Collector) -> None:
    collector.fail(404)
    found, ended = examined(
        "--", "true", env={"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:9/v1/metrics"}, collector=collector
    )
    assert ended.returncode == 1
    assert codes(found)["PI502"] == ["traces"]
    assert codes(found)["PI501"] == ["metrics"]
    messages = {finding["code"]: finding["message"] for finding in found["findings"]}
    assert "it answers 404" in messages["PI502"]
    assert "Connection refused" in messages["PI501"]


def test_a_collector_that_hangs_holds_doctor_up_for_seconds_only(collector: Collector) -> None:
    collector.hang()
    found, _ = examined("--", "true", env={"OTEL_METRICS_EXPORTER": "none"}, collector=collector)
    assert codes(found)["PI502"] == ["traces"]


def test_port_and_protocol_that_do_not_belong_together_and_a_missing_exporter_are_said(tmp_path: Path) -> None:
    (tmp_path / "grpc.py").write_text("raise ImportError")
    env = {
        "PYTHONPATH": str(tmp_path),
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4317",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:4318",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc",
    }
    found, _ = examined("--", "true", env=env)
    assert codes(found)["PI503"] == ["metrics", "traces"]
    assert codes(found)["PI504"] == ["metrics"]


def test_wrong_and_unknown_settings_are_found() -> None:
    env = {
        **SILENT,
        "OTEL_TRACES_SAMPLER": "often",
        "OTEL_SERVICENAME": "x",
        "PLATFORM_DISABLED_INSTRUMENTATIONS": "redis,sqlit3",
        "PLATFORM_INSTRUMENTATION_DJANO": "false",
        "PLATFORM_INSTRUMENTATION_DJANGO": "false",
        "PLATFORM_DEBUG": "true",
        "OTEL_SDK_DISABLED": "true",
    }
    found, ended = examined("--", "true", env=env)
    assert ended.returncode == 1
    by_code = codes(found)
    assert by_code.pop("PI105") == ["command"]
    assert by_code == {
        "PI103": ["platform-instrument"],
        "PI201": ["OTEL_TRACES_SAMPLER"],
        "PI202": ["OTEL_SERVICENAME"],
        "PI203": ["PLATFORM_DISABLED_INSTRUMENTATIONS", "PLATFORM_INSTRUMENTATION_DJANO"],
        "PI204": ["PLATFORM_DEBUG"],
        "PI505": ["export"],
    }
    assert (library(found, "redis")["status"], library(found, "django")["status"]) == ("off", "off")


def test_the_command_of_opentelemetry_instrument_is_told_when_it_leads_to_others() -> None:
    found, _ = examined("--", "true", env={**SILENT, "OTEL_PYTHON_DISTRO": "distro"})
    assert codes(found)["PI102"] == ["opentelemetry-instrument"]
    (way,) = [way for way in found["doors"] if way["name"] == "opentelemetry-instrument"]
    assert (way["open"], way["detail"]) == (False, "it loads distro, not ours")


def test_doors_are_told_as_they_are() -> None:
    site = ROOT / "src" / "platform_instrument_site"
    found, _ = examined("--", "true", env={**SILENT, "PLATFORM_AUTO": "1", "PYTHONPATH": str(site)})
    assert {way["name"]: way["open"] for way in found["doors"]} == {
        "command": True,
        ".pth": True,
        "PYTHONPATH": True,
        "opentelemetry-instrument": True,
    }
    found, _ = examined("--", "true", env=SILENT)
    assert [way["open"] for way in found["doors"][1:3]] == [False, False]


def test_an_interpreter_without_the_pth_file_is_found_out() -> None:
    interpreter = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"
    path = [str(ROOT / "src"), sysconfig.get_path("purelib")]
    words = [interpreter, "-c", doctor._LAUNCH, "doctor", "--json", "--", "true"]
    ended = run(words, env={**SILENT, "PYTHONPATH": ":".join(path), "PLATFORM_AUTO": "1"})
    assert "PLATFORM_AUTO" in codes(json.loads(ended.stdout))["PI101"]


def test_a_library_that_is_not_as_we_know_it_is_an_error_and_an_untested_version_a_warning(tmp_path: Path) -> None:
    env = stub(tmp_path, "redis", "3.0.0", client="class Redis: pass\n")
    stub(tmp_path, "httpx", "99.0.0", _client="")
    stub(tmp_path, "psycopg", "3.2.0", __init__="raise RuntimeError\n")
    stub(tmp_path, "aiosqlite", "0.1.0", core="class Connection:\n    def _execute(self): 0\n")
    found, ended = examined(env={**env, **SILENT})
    assert ended.returncode == 1
    by_code = codes(found)
    assert by_code["PI301"] == ["aiosqlite 0.1.0"]
    assert by_code["PI303"] == ["httpx 99.0.0", "redis 3.0.0"]
    assert library(found, "redis")["status"] == "does not fit"
    assert library(found, "redis")["doubt"].startswith("version 3.0.0 is older than those tested (redis>=")
    assert library(found, "httpx")["doubt"].startswith("version 99.0.0 is newer than those tested (httpx>=")
    assert library(found, "aiosqlite")["status"] == library(found, "sqlite3")["status"] == "patched"
    assert by_code["PI307"] == ["psycopg", "psycopg_pool"]  # which imports it


def test_a_library_is_told_from_others_that_share_its_namespace(tmp_path: Path) -> None:
    info = tmp_path / "opentelemetry_first-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: opentelemetry-first\nVersion: 0.1\n")
    (info / "top_level.txt").write_text("opentelemetry\n")
    found, _ = examined(env={**SILENT, "PYTHONPATH": str(tmp_path)})
    assert library(found, "opentelemetry")["distribution"] == "opentelemetry-api"
    assert "PI301" not in codes(found)


def test_a_library_without_a_version_is_doubtful(tmp_path: Path) -> None:
    (tmp_path / "aiosqlite").mkdir()
    (tmp_path / "aiosqlite" / "__init__.py").write_text("")
    blind = "import platform_instrument.distro.libraries as l; l.version = lambda name: ''\n" + doctor._LAUNCH
    ended = run([sys.executable, "-c", blind, "doctor", "--json", "--", "true"], env={**SILENT, "PYTHONPATH": str(tmp_path)})
    found = json.loads(ended.stdout)
    assert "aiosqlite" in codes(found)["PI302"]


def test_an_instrumentation_that_cannot_be_loaded_is_a_fault_that_doctor_survives() -> None:
    broken = "import sys; sys.modules['platform_instrument.instrumentations.redis'] = None\n" + doctor._LAUNCH
    ended = run([sys.executable, "-c", broken, "doctor", "--json", "--", "true"], env=SILENT)
    assert set(codes(json.loads(ended.stdout))["PI601"]) == {"doctor"}  # those of other libraries are built on it


def test_a_trial_that_does_not_end_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "_TRIAL_SECONDS", 0.01)
    for name, value in {**SILENT, **OURS}.items():
        monkeypatch.setenv(name, value)
    assert doctor.doctor(["--json"]) == 0
    assert codes(json.loads(capsys.readouterr().out))["PI306"] == ["libraries"]


def test_each_code_is_documented_with_its_severity_and_no_other() -> None:
    table = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (PI\d+) \| (\w+) \| (.+) \| (.+) \|$", table)
    assert [(code, severity) for code, severity, *_ in rows] == sorted(CODES.items())
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "platform_instrument").glob("*/*.py"))
    assert set(re.findall(r'"(PI\d{3})"', sources)) == set(CODES)
    assert all(sources.count(f'"{code}"') > 1 for code in CODES)


def test_help_and_wrong_calls() -> None:
    ended = run([COMMAND, "doctor", "--help"])
    assert ended.returncode == 0
    assert ended.stdout.startswith("usage: platform-instrument doctor")
    for words in (["x"], ["--json", "x"], ["--"], ["--json", "--"]):
        assert run([COMMAND, "doctor", *words]).returncode == 2
