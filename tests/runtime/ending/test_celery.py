"""A celery worker finishes its task, and its spans leave: of the process that decides, and of those that work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from platform_instrument.testing.collector import Collector
from tests.processes import door, environment
from tests.runtime.ending.ends import ORDERLY, PROGRAMS

pytest.importorskip("celery", reason="run by the slow matrix, in an environment of its own")


@pytest.mark.parametrize("pool", ["prefork", "solo", "threads"])
@pytest.mark.parametrize("on", [True, False], ids=["orderly", "plain"])
def test_a_worker_finishes_its_task(pool: str, on: bool, redis_url: str) -> None:  # noqa: FBT001
    redis = f"{redis_url.rpartition('/')[0]}/7"
    asked = [sys.executable, "-c", "from tasks import slow; print(slow.delay().get(timeout=40))"]
    words = [str(Path(sys.executable).parent / "celery"), "-A", "tasks", "worker", "-c", "2", "-P", pool, "-l", "INFO"]
    words, variables = door("command", words) if on else (words, {})
    with Collector() as collector:
        broker = {"REDIS": redis, "QUEUE": f"ending-{uuid.uuid4().hex[:8]}"}
        plain = environment(broker)
        env = environment({**variables, **(ORDERLY if on else {}), **broker}, collector if on else None)
        with subprocess.Popen(
            words, cwd=PROGRAMS, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as worker:
            asking = subprocess.Popen(asked, cwd=PROGRAMS, env=plain, stdout=subprocess.PIPE, text=True)
            assert worker.stdout is not None
            lines = []
            while not lines or "received" not in lines[-1]:
                lines.append(worker.stdout.readline())
                assert lines[-1], "".join(lines)
            time.sleep(0.5)
            began = time.monotonic()
            os.kill(worker.pid, signal.SIGTERM)
            rest, _ = worker.communicate(timeout=30)
            seconds = time.monotonic() - began
            answer, _ = asking.communicate(timeout=30)
        assert (worker.returncode, answer) == (0, "done\n"), "".join([*lines, rest])
        assert seconds < 10
        if on:
            collector.wait_for(lambda spans: any(span.name == "SELECT" for span in spans))
            assert "nobody has to see it" in rest
            assert "0 spans lost" in rest
