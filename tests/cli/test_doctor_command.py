"""`platform-instrument doctor`: what became of the processes of a command, whichever way they end."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.examination import COMMAND, DEAD, OURS, SILENT, STATEMENT, codes, examined, library, program, stub
from tests.processes import Service, environment, run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector


def test_the_json_has_a_stable_shape(tmp_path: Path, collector: Collector) -> None:
    found, _ = examined("--", sys.executable, program(tmp_path), env={"OTEL_SERVICE_NAME": "shop"}, collector=collector)
    assert found["shape"] == 1
    assert set(found) == {
        "shape", "healthy", "platform_instrument", "python", "doors", "settings", "libraries", "agents", "exports", "processes", "findings",
    }  # fmt: skip
    assert set(found["doors"][0]) == {"name", "open", "detail"}
    assert {"variable": "OTEL_SERVICE_NAME", "value": "shop", "source": "environment"} in found["settings"]
    assert set(found["libraries"][0]) == {"name", "distribution", "version", "requires", "status", "reason", "doubt", "patches"}
    assert set(found["exports"][0]) == {"signal", "exporters", "endpoint", "protocol", "arrives", "reason"}
    (process,) = found["processes"]
    assert set(process) == {
        "pid", "parent", "program", "python", "doors", "refusal", "early", "libraries", "agents", "deferred", "provider", "faults", "telemetry",
        "overhead",
    }  # fmt: skip
    assert process["overhead"] is None


def test_a_process_with_a_budget_tells_what_observing_costs(tmp_path: Path, collector: Collector) -> None:
    env = {"PLATFORM_MAX_OVERHEAD": "3%"}
    found, _ = examined("--", sys.executable, program(tmp_path), env=env, collector=collector)
    (process,) = found["processes"]
    assert set(process["overhead"]) == {"most", "shares", "left_out", "excess", "shed"}
    assert process["overhead"]["most"] == 0.03


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


COUNTING = """
import os, signal, time
noted, note = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(note)
interrupts = []
signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
print("ready", flush=True)
while not interrupts:
    time.sleep(0.01)
time.sleep(0.3)
print("interrupts:", len(os.read(noted, 100)))
"""

IN_A_TERMINAL = "import os, sys; os.open(os.ttyname(0), os.O_RDWR); os.execv(sys.argv[1], sys.argv[1:])"
"""A session leader that opens a terminal gets it as its own."""


def test_ctrl_c_in_a_terminal_reaches_the_command_once_and_doctor_goes_on(tmp_path: Path) -> None:
    keyboard, terminal = pty.openpty()
    words = [sys.executable, "-c", IN_A_TERMINAL, COMMAND, "doctor", "--json", "--", sys.executable, program(tmp_path, COUNTING)]
    with subprocess.Popen(
        words,
        env=environment({**SILENT, **OURS}),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        os.write(keyboard, b"\x03")
        printed, said = process.communicate(timeout=20)
    os.close(keyboard)
    os.close(terminal)
    assert (process.returncode, said) == (0, "interrupts: 1\n")
    assert len(json.loads(printed)["processes"]) == 1


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


def test_a_command_that_is_not_there_or_is_no_python_is_an_error() -> None:
    found, _ = examined("--", "no-such-command", env=SILENT)
    assert codes(found)["PI104"] == ["no-such-command"]
    found, _ = examined("--", "sh", "-c", "exit 3", env=SILENT)
    assert codes(found)["PI105"] == ["command"]
    assert codes(found)["PI107"] == ["sh"]


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
