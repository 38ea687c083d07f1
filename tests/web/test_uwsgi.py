"""uWSGI forks behind Python's back: its workers report all the same, each for itself, and end as without us."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, Service, free_port
from tests.web.serving import PROGRAMS, observed

if TYPE_CHECKING:
    from tests.web.serving import Observed

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 15), reason="pyuwsgi has no wheel for it")

MODES = {
    "preforking": [],
    "lazy": ["--lazy-apps"],
    "threads": ["--threads", "2"],
    "fork hooks": ["--py-call-uwsgi-fork-hooks"],
}


def command(port: int, mode: str) -> list[str]:
    """Return the command line of a server with two workers."""
    words = [str(BIN / "uwsgi"), "--master", "-p", "2", "--http-socket", f"127.0.0.1:{port}", "--die-on-term", "--enable-threads"]
    return [*words, "--virtualenv", sys.prefix, "--pythonpath", ".", "--module", "under_uwsgi:app", *MODES[mode]]


def ask_until_both_workers_have_answered(running: Observed) -> int:
    """Make requests until each of two workers has served one; return how many."""
    deadline = time.monotonic() + 15
    asked = 0
    while len({span.resource["process.pid"] for span in running.spans()}) < 2:
        assert time.monotonic() < deadline
        threads = [threading.Thread(target=running.server.get, args=(f"/items/{asked + each}",)) for each in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asked += len(threads)
    return asked


@pytest.mark.parametrize("mode", MODES)
def test_workers_report_once_and_end_as_without_us(mode: str) -> None:
    port = free_port()
    with Service(command(port, mode), port, cwd=PROGRAMS) as server:
        server.get("/items/0")
        time.sleep(0.3)
        status = server.terminate()
        hooks = server.stderr.count("forked a worker") + server.stdout.count("forked a worker")
    with observed(lambda port: command(port, mode)) as running:
        asked = ask_until_both_workers_have_answered(running)
        time.sleep(0.3)  # a worker that still is at its last request leaves without `atexit`
        assert running.server.terminate() == status
        spans = running.spans()
        everything = running.collector.spans
    assert {span.name for span in spans} == {"GET /items/<int:item>"}
    assert sorted(int(span.attributes["url.path"].rpartition("/")[2]) for span in spans) == list(range(asked))
    assert len({span.span_id for span in everything}) == len(everything)
    assert len({span.trace_id for span in spans}) == asked
    assert len({span.resource["service.instance.id"] for span in spans}) == 2
    served = [span for span in everything if span.parent_id]
    loaded = [span for span in everything if span.kind == "CLIENT" and not span.parent_id]
    assert len(loaded) == (2 if mode == "lazy" else 1), "what was recorded while the application was loaded"
    counted = sum(point.count for point in running.collector.latest("db.client.operation.duration"))
    assert counted == len(served) + len(loaded)
    assert sorted(span.parent_id for span in served) == sorted(span.span_id for span in spans)
    assert running.server.stdout.count("forked a worker") + running.server.stderr.count("forked a worker") == hooks
    assert "platform-instrument" not in running.server.stderr
