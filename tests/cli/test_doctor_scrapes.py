"""`platform-instrument doctor`: where the service is scraped, and who has the port."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.examination import STATEMENT, codes, examined, program
from tests.processes import BIN, HOST, Service, door, free_port
from tests.scrapes import Target
from tests.web.serving import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stranger() -> Iterator[Target]:
    """Return a target whose port another program has."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield Target(listener.getsockname()[1])


def test_where_the_service_is_to_be_scraped_is_shown() -> None:
    target = Target.free()
    found, ended = examined("--", "true", env=target.environment())
    (export,) = [export for export in found["exports"] if export["signal"] == "metrics"]
    assert export["endpoint"] == f"http://localhost:{target.port}/metrics"
    assert export["reason"] == "nobody listens yet"
    assert "PI506" not in codes(found)
    assert ended.stderr == ""


def test_a_port_that_another_program_has_is_an_error_with_the_remedy(stranger: Target) -> None:
    found, ended = examined("--", "true", env=stranger.environment())
    assert ended.returncode == 1
    assert codes(found)["PI506"] == [f"localhost:{stranger.port}"]
    (remedy,) = [finding["remedy"] for finding in found["findings"] if finding["code"] == "PI506"]
    assert "OTEL_EXPORTER_PROMETHEUS_PORT" in remedy


def test_a_process_that_did_not_get_its_port_says_so(stranger: Target, tmp_path: Path) -> None:
    app = program(tmp_path, STATEMENT + "import time\ntime.sleep(1)")
    found, _ = examined("--", sys.executable, app, env=stranger.environment())
    (process,) = found["processes"]
    assert process["telemetry"]["scraped"] == {"host": "localhost", "port": stranger.port, "state": "the port is taken"}
    assert len(codes(found)["PI506"]) == 2


def test_a_process_that_did_not_get_the_port_of_its_probes_says_so(stranger: Target, tmp_path: Path) -> None:
    app = program(tmp_path, STATEMENT + "import time\ntime.sleep(1)")
    found, _ = examined("--", sys.executable, app, env={"PLATFORM_ADMIN_PORT": str(stranger.port)})
    (process,) = found["processes"]
    assert process["telemetry"]["probed"] == {"host": "localhost", "port": stranger.port, "state": "the port is taken"}
    assert codes(found)["PI508"] == [f"localhost:{stranger.port}"]
    (remedy,) = [finding["remedy"] for finding in found["findings"] if finding["code"] == "PI508"]
    assert "PLATFORM_ADMIN_PORT" in remedy


def test_a_service_of_ours_that_is_scraped_there_is_named() -> None:
    target, port = Target.free(), free_port()
    argv, env = door("command", [BIN / "gunicorn", "-b", f"{HOST}:{port}", "bare:wsgi"])
    with Service(argv, port, env={**env, **target.environment(OTEL_SERVICE_NAME="shop")}, cwd=PROGRAMS):
        target.wait(lambda _: True)
        found, _ = examined("--", "true", env=target.environment())
    (message,) = [finding["message"] for finding in found["findings"] if finding["code"] == "PI507"]
    assert "the metrics of shop" in message
    assert "PI506" not in codes(found)
