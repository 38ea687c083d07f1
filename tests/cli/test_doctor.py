"""`platform-instrument doctor`: what really happened here, each finding under its code, and an exit code for CI."""

from __future__ import annotations

import json
import re
import signal
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.cli import doctor
from platform_instrument.distro.finding import CODES
from platform_instrument.instrumentations._index import TRIGGERS
from tests.processes import BIN, Completed, Service, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

ROOT = Path(__file__).parent.parent.parent
COMMAND = BIN / "platform-instrument"
DEAD = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
SILENT = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
OURS = {"OTEL_PYTHON_DISTRO": "platform_instrument", "OTEL_PYTHON_CONFIGURATOR": "platform_instrument"}
STATEMENT = "import sqlite3\nsqlite3.connect(':memory:').execute('select 1').fetchall()\n"


def examined(*words: object, env: dict[str, str] | None = None, collector: Collector | None = None) -> tuple[Any, Completed]:
    """Run doctor with `--json`; return what it found."""
    ended = run([COMMAND, "doctor", "--json", *map(str, words)], env={**OURS, **(env or {})}, collector=collector, timeout=60)
    assert ended.returncode in {0, 1}, ended.stderr
    found = json.loads(ended.stdout)
    assert found["healthy"] is (ended.returncode == 0)
    return found, ended


def codes(found: Any) -> dict[str, list[str]]:
    """Return the subjects of the findings by code, without those that other packages of this environment cause."""
    by_code: dict[str, list[str]] = {}
    for finding in found["findings"]:
        assert finding["severity"] == CODES[finding["code"]]
        assert finding["message"]
        assert finding["remedy"]
        if finding["code"] != "PI404":
            by_code.setdefault(finding["code"], []).append(finding["subject"])
    return by_code


def program(folder: Path, text: str = STATEMENT, name: str = "app.py") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def stub(folder: Path, name: str, version: str, **files: str) -> dict[str, str]:
    """Install a package that is not what its name says; return the environment in which it is found first."""
    for module, text in {"__init__": f"__version__ = {version!r}\n", **files}.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / f"{module}.py").write_text(text)
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
    (info / "top_level.txt").write_text(f"{name}\n")
    return {"PYTHONPATH": str(folder)}


def library(found: Any, name: str) -> Any:
    (one,) = [each for each in found["libraries"] if each["name"] == name]
    return one


def test_every_installed_library_is_imported_for_a_trial_and_seen_patched(collector: Collector) -> None:
    found, ended = examined(collector=collector)
    assert codes(found) == {}
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {each["name"] for each in found["libraries"]} == {name for entries in TRIGGERS.values() for name, _ in entries}
    assert {each["status"] for each in found["libraries"]} == {"patched"}
    redis = library(found, "redis")
    assert redis["distribution"] == "redis"
    assert re.match(r"\d+\.\d+", redis["version"])
    assert "redis.client:Redis.execute_command" in redis["patches"]
    assert library(found, "sqlite3")["version"] == ".".join(map(str, sys.version_info[:3]))
    assert [(export["signal"], export["arrives"]) for export in found["exports"]] == [("traces", True), ("metrics", True)]
    assert {request.path for request in collector.requests} == {"/v1/traces", "/v1/metrics"}
    assert collector.spans == ()


def test_the_json_has_a_stable_shape(tmp_path: Path, collector: Collector) -> None:
    found, _ = examined("--", sys.executable, program(tmp_path), env={"OTEL_SERVICE_NAME": "shop"}, collector=collector)
    assert found["shape"] == 1
    assert set(found) == {
        "shape", "healthy", "platform_instrument", "python", "doors", "settings", "libraries", "agents", "exports", "processes", "findings",
    }  # fmt: skip
    assert set(found["doors"][0]) == {"name", "open", "detail"}
    assert {"variable": "OTEL_SERVICE_NAME", "value": "shop", "source": "environment"} in found["settings"]
    assert set(found["libraries"][0]) == {"name", "distribution", "version", "requires", "status", "reason", "patches"}
    assert set(found["exports"][0]) == {"signal", "exporters", "endpoint", "protocol", "arrives", "reason"}
    (process,) = found["processes"]
    assert set(process) == {
        "pid", "parent", "program", "python", "doors", "refusal", "early", "libraries", "agents", "provider", "faults", "telemetry",
    }  # fmt: skip


def test_a_command_runs_as_it_is_and_its_process_tells_what_became_of_it(tmp_path: Path, collector: Collector) -> None:
    app = program(tmp_path, STATEMENT + "print('out', *__import__('sys').argv[1:])\n")
    ended = run([COMMAND, "doctor", "--", sys.executable, app, "--json", "a b"], env=OURS, collector=collector)
    assert (ended.returncode, ended.stderr) == (0, "")
    printed, _, report = ended.stdout.partition("\n")
    assert printed == "out --json a b"
    assert re.search(r"(?m)^  sqlite3 +- +patched$", report)
    assert re.search(r"(?m)^  redis +\d\S+ +not imported$", report)
    assert re.search(r"(?m)^  \d+  app  instrumented \(sqlite3\); delivered 1 spans, \d+ metrics$", report)
    assert report.endswith("\nall well\n")
    assert len(collector.spans) == 1


def test_with_json_standard_output_is_the_report_alone(tmp_path: Path, collector: Collector) -> None:
    found, ended = examined("--", sys.executable, program(tmp_path, STATEMENT + "print('mine')"), collector=collector)
    assert ended.stderr == "mine\n"
    assert library(found, "sqlite3")["status"] == "patched"
    assert library(found, "sqlite3")["patches"]


ASGI = """
import sqlite3
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
def root():
    return sqlite3.connect(":memory:").execute("select 7").fetchone()[0]
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_ended_tells_it_too(
    number: signal.Signals, tmp_path: Path, collector: Collector, free_port: int
) -> None:
    program(tmp_path, ASGI)
    words = [COMMAND, "doctor", "--json", "--", "uvicorn", "app:app", "--port", str(free_port)]
    with Service(words, free_port, env=OURS, collector=collector, cwd=tmp_path) as service:
        assert service.get("/")[1] == "7"
        assert service.terminate(number) == 0, service.stdout
        found = json.loads(service.stdout)
    assert codes(found) == {}
    (process,) = found["processes"]
    assert {"uvicorn", "fastapi", "sqlite3"} <= {each["name"] for each in process["libraries"] if each["status"] == "patched"}
    assert process["telemetry"]["spans"]["delivered"] == 2
    assert process["telemetry"]["dropped"] == {}


WSGI = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""


def test_every_worker_of_a_prefork_server_tells_it(tmp_path: Path, collector: Collector, free_port: int) -> None:
    program(tmp_path, WSGI)
    words = [COMMAND, "doctor", "--json", "--", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{free_port}", "app:app"]
    with Service(words, free_port, env=OURS, collector=collector, cwd=tmp_path) as service:
        assert service.get("/")[0] == 200
        assert service.terminate(signal.SIGTERM) == 0, service.stdout
        found = json.loads(service.stdout)
    master, *workers = found["processes"]
    assert len(workers) == 2
    assert {worker["parent"] for worker in workers} == {master["pid"]}
    assert {each["name"] for worker in workers for each in worker["libraries"]} >= {"gunicorn"}
    assert not set(codes(found)) - {"PI603"}


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
        "PLATFORM_LOG_FORMAT": "json",
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
        "PI204": ["PLATFORM_LOG_FORMAT"],
        "PI505": ["export"],
    }
    assert (library(found, "redis")["status"], library(found, "django")["status"]) == ("off", "off")


def test_a_command_that_is_not_there_or_is_no_python_is_an_error() -> None:
    found, _ = examined("--", "no-such-command", env=SILENT)
    assert codes(found)["PI104"] == ["no-such-command"]
    found, _ = examined("--", "sh", "-c", "exit 3", env=SILENT)
    assert codes(found)["PI105"] == ["command"]
    assert codes(found)["PI107"] == ["sh"]


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


def test_a_library_that_is_too_old_or_not_as_we_know_it_is_found(tmp_path: Path) -> None:
    env = stub(tmp_path, "redis", "3.0.0", client="class Redis: pass\n")
    stub(tmp_path, "httpx", "99.0.0", _client="")
    stub(tmp_path, "psycopg", "3.2.0", __init__="raise RuntimeError\n")
    found, ended = examined(env={**env, **SILENT})
    assert ended.returncode == 1
    by_code = codes(found)
    assert by_code["PI301"] == ["redis 3.0.0"]
    assert by_code["PI303"] == ["httpx 99.0.0"]
    assert library(found, "redis")["reason"] == "redis>=4.5 is needed, 3.0.0 is there"
    assert library(found, "httpx")["status"] == "does not fit"
    assert library(found, "sqlite3")["status"] == "patched"
    assert by_code["PI307"] == ["psycopg"]


def test_a_library_without_a_version_is_doubtful(tmp_path: Path) -> None:
    (tmp_path / "aiosqlite").mkdir()
    (tmp_path / "aiosqlite" / "__init__.py").write_text("")
    blind = "import sys, platform_instrument.distro.libraries as l; l.packages_distributions = lambda: {}\n" + doctor._LAUNCH
    ended = run([sys.executable, "-c", blind, "doctor", "--json", "--", "true"], env={**SILENT, "PYTHONPATH": str(tmp_path)})
    found = json.loads(ended.stdout)
    assert "aiosqlite" in codes(found)["PI302"]


def test_an_instrumentation_that_cannot_be_loaded_is_a_fault_that_doctor_survives() -> None:
    broken = "import sys; sys.modules['platform_instrument.instrumentations.redis'] = None\n" + doctor._LAUNCH
    ended = run([sys.executable, "-c", broken, "doctor", "--json", "--", "true"], env=SILENT)
    assert codes(json.loads(ended.stdout))["PI601"] == ["doctor"]


def test_a_trial_that_does_not_end_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "_TRIAL_SECONDS", 0.01)
    for name, value in {**SILENT, **OURS}.items():
        monkeypatch.setenv(name, value)
    assert doctor.doctor(["--json"]) == 0
    assert codes(json.loads(capsys.readouterr().out))["PI306"] == ["libraries"]


TROUBLED = """
import sqlite3, subprocess, sys
import sentry_sdk
import opentelemetry.instrumentation.httpx
from opentelemetry import trace
from platform_instrument.core.guard import contain
for _ in range(100):
    contain("sqlite3 sqlite3:Cursor.execute", ValueError("s3cr3t"))
subprocess.run([sys.executable, "-c", "pass"])
"""


def test_what_went_wrong_in_a_process_is_found(tmp_path: Path) -> None:
    env = stub(tmp_path, "sentry_sdk", "2.0.0")
    (tmp_path / "sitecustomize.py").write_text("import httpx\n")
    found, ended = examined("--", sys.executable, program(tmp_path, TROUBLED), env={**env, **SILENT, "PLATFORM_AUTO": "0"})
    assert ended.returncode == 1
    by_code = codes(found)
    process = next(process for process in found["processes"] if not process["refusal"])
    who = f"process {process['pid']} (app)"
    assert by_code["PI304"] == [f"sqlite3 {library(found, 'sqlite3')['version']}"]
    assert by_code["PI305"] == ["httpx"]
    assert by_code["PI401"] == ["sentry-sdk"]
    assert by_code["PI402"] == ["opentelemetry-instrumentation-httpx"]
    assert by_code["PI601"] == [who]
    assert len(by_code["PI106"]) == 1
    assert [finding["subject"] for finding in found["findings"] if finding["code"] == "PI404"] == ["sentry-sdk"]
    (fault,) = process["faults"]
    assert fault["count"] == 100
    assert "s3cr3t" not in ended.stdout


def test_a_tracer_provider_of_the_application_is_found(tmp_path: Path) -> None:
    app = program(
        tmp_path,
        "from opentelemetry import trace\nfrom opentelemetry.sdk.trace import TracerProvider\ntrace.set_tracer_provider(TracerProvider())\n",
    )
    found, _ = examined("--", sys.executable, app, env=SILENT)
    (process,) = found["processes"]
    assert process["provider"] == "opentelemetry.sdk.trace.TracerProvider"
    assert len(codes(found)["PI403"]) == 1


def test_losses_are_an_error_and_silence_is_said(tmp_path: Path, collector: Collector) -> None:
    found, ended = examined("--", sys.executable, program(tmp_path), env=DEAD)
    assert ended.returncode == 1
    assert len(codes(found)["PI602"]) == 2
    lost = next(finding for finding in found["findings"] if finding["code"] == "PI602")
    assert "(Connection refused)" in lost["message"]
    found, _ = examined("--", sys.executable, program(tmp_path, "import sqlite3"), collector=collector)
    assert set(codes(found)) <= {"PI603"}


def test_a_record_that_cannot_be_written_does_not_disturb_the_program(tmp_path: Path) -> None:
    env = {**SILENT, "_PLATFORM_INSTRUMENT_RECORD": str(tmp_path / "missing")}
    ended = run([COMMAND, sys.executable, program(tmp_path, STATEMENT + "print('well')")], env=env)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "well\n", "")


def test_the_exit_status_of_an_interrupted_program_stays_with_a_record_of_it(tmp_path: Path, collector: Collector) -> None:
    app = program(tmp_path, STATEMENT + "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    ended = run([COMMAND, sys.executable, app], env={"_PLATFORM_INSTRUMENT_RECORD": str(tmp_path)}, collector=collector)
    assert ended.returncode == -signal.SIGINT
    (record,) = tmp_path.glob("*.json")
    assert json.loads(record.read_text())["telemetry"]["spans"]["delivered"] == 1


def test_secrets_do_not_show_in_the_report(tmp_path: Path) -> None:
    env = {
        **DEAD,
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:s3cr3t@127.0.0.1:9/?token=s3cr3t",
        "OTEL_EXPORTER_OTLP_HEADERS": "k=s3cr3t",
    }
    for words in ([], ["--json"]):
        ended = run([COMMAND, "doctor", *words, "--", sys.executable, program(tmp_path), "--password", "s3cr3t"], env=env)
        assert "s3cr3t" not in ended.stdout


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
