"""gRPC servers of both kinds answer the standard health check, unless they have a service of their own for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.processes import door, run

PROGRAM = Path(__file__).parent / "programs" / "health_of_grpc.py"
SERVING, NOT_SERVING, UNKNOWN = "0801", "0802", "NOT_FOUND"
REFUSED = dict.fromkeys(("nobody", "broken", "long", "strange"), UNKNOWN)


def told(kind: str, *more: str, **env: str) -> list[Any]:
    argv, variables = door("command", [sys.executable, PROGRAM, kind, *more])
    env = {**variables, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "GRPC_VERBOSITY": "NONE", **env}
    ended = run(argv, env=env, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    found: list[Any] = json.loads(ended.stdout)
    return found


@pytest.mark.parametrize("kind", ["threads", "coroutines"])
def test_a_server_tells_whether_it_is_ready_by_its_services_and_the_probes(kind: str) -> None:
    ready, draining, called = told(kind, PLATFORM_PROBES="true")
    assert ready == {
        **dict.fromkeys(("", "shop.Orders", "readiness", "startup", "liveness"), SERVING),
        **REFUSED,
    }
    assert draining == {
        **dict.fromkeys(("", "shop.Orders", "readiness"), NOT_SERVING),
        **dict.fromkeys(("startup", "liveness"), SERVING),
        **REFUSED,
    }
    assert called == "order"


@pytest.mark.parametrize("kind", ["threads", "coroutines"])
def test_a_health_service_of_the_application_stays(kind: str) -> None:
    ready, draining, _ = told(kind, "own", PLATFORM_PROBES="true")
    assert {*ready.values(), *draining.values()} == {b"own".hex()}


@pytest.mark.parametrize("kind", ["threads", "coroutines"])
def test_without_probes_nothing_is_added(kind: str) -> None:
    plain, called = told(kind)
    assert (set(plain.values()), called) == ({"UNIMPLEMENTED"}, "order")
