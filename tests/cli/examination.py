"""Doctor as the tests call it: its report as JSON, and packages that are not what their names say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from platform_instrument.distro.finding import CODES
from tests.processes import BIN, Completed, run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

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
