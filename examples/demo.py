"""The example services under `platform-instrument`, from their start to the trees of their traces: `make demo`.

Starts the shop (FastAPI on uvicorn) and its stock (Flask on gunicorn), neither of which has a line about telemetry, sends
them requests, receives what both export over OTLP, and draws it. Leaves no process and no file behind.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from platform_instrument.telemetry.tree import KINDS, Line, describe, render_trace
from platform_instrument.testing.collector import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.testing import received

SHOP = Path(__file__).resolve().parent / "shop"
BIN = Path(sys.executable).parent
SECONDS = 30

ORDER = {"product_id": 1, "quantity": 2, "email": "ada@example.org"}
REQUESTS = (
    ("A product: SQL, and the stock service asked over HTTP", "GET", "/products/3", None, 200),
    ("An order: stored with the customer's e-mail address, which no span shows", "POST", "/orders", ORDER, 201),
    ("An invoice: fails, and says where", "GET", "/orders/1/invoice", None, 500),
)
NEXT = """What next
  your own service      pip install platform-instrument
                        OTEL_SERVICE_NAME=shop platform-instrument uvicorn shop.main:app
  a collector           OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318
  without a collector   OTEL_TRACES_EXPORTER=console OTEL_METRICS_EXPORTER=none
  what is in force      platform-instrument config     (and `platform-instrument doctor` when something is missing)
  all of it             README.md, docs/"""


def main() -> int:
    """Run the demonstration; return 0 when every request left a whole trace."""
    redis = "with Redis" if listens(6379) else "without Redis: nothing listens on its port"
    print(f"Starting two services that know nothing of telemetry ({redis}) ...", flush=True)
    stock_port, shop_port = free_port(), free_port()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-")))
        collector = stack.enter_context(Collector())
        settings = {
            **collector.environment(),
            "SHOP_DATABASE_URL": f"sqlite:///{folder}/shop.db",
            "SHOP_STOCK_URL": f"http://127.0.0.1:{stock_port}",
            "SHOP_CACHE_NAMESPACE": f"demo-{uuid4().hex[:6]}",
        }
        stock = ("gunicorn", "--bind", f"127.0.0.1:{stock_port}", "stock.app:app")
        shop = ("uvicorn", "shop.main:app", "--port", str(shop_port))
        stack.enter_context(service("stock", stock_port, stock, settings, folder))
        stack.enter_context(service("shop", shop_port, shop, settings, folder))
        request(f"http://127.0.0.1:{shop_port}/products/2", "GET", None)  # frameworks do much in their first request
        whole_trace(collector, calls_stock=True)
        collector.clear()
        whole, shown = True, set()
        for title, method, path, body, expected in REQUESTS:
            status = request(f"http://127.0.0.1:{shop_port}{path}", method, body)
            print(f"\n{title}\n$ curl -X {method} localhost:8000{path}    -> {status}")
            spans = whole_trace(collector, calls_stock=path != "/orders/1/invoice")
            print(render_trace([drawn(span) for span in spans]), end="")
            whole = whole and status == expected
            shown |= {span.trace_id for span in spans}
            collector.clear()
        whole = show_log_lines(folder / "shop.log", shown) and whole
    print(f"\n{NEXT}" if whole else "\nThe demonstration is not whole: see above.")
    return 0 if whole else 1


@contextmanager
def service(name: str, port: int, command: tuple[str, ...], settings: Mapping[str, str], folder: Path) -> Iterator[None]:
    """Keep a service running under `platform-instrument`; its whole process group is ended with the block."""
    print(f"  OTEL_SERVICE_NAME={name} platform-instrument {' '.join(command)}", flush=True)
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(BIN / "platform-instrument"), *command],
            cwd=SHOP,
            env={**os.environ, **settings, "PATH": path, "OTEL_SERVICE_NAME": name, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + SECONDS
            while not listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"{name} did not start:\n{log.read_text()}")
                time.sleep(0.05)
            yield
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and whatever is left of its group."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # as it should be: the master has ended its workers


def request(url: str, method: str, body: Mapping[str, object] | None) -> int:
    """Send a request; return the status of its answer."""
    data = json.dumps(body).encode() if body is not None else None
    message = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(message, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def whole_trace(collector: Collector, *, calls_stock: bool) -> tuple[received.Span, ...]:
    """Return the spans of the one trace that is under way, once both services have delivered theirs."""
    wanted = {"shop", "stock"} if calls_stock else {"shop"}

    def whole(spans: tuple[received.Span, ...]) -> bool:
        ids = {span.span_id for span in spans}
        servers = {span.resource["service.name"] for span in spans if span.kind == "SERVER"}
        return wanted <= servers and all(not span.parent_id or span.parent_id in ids for span in spans)

    return collector.wait_for(whole, SECONDS)


def drawn(span: received.Span) -> Line:
    """Return a span that was received as the line that is drawn of it."""
    return Line(
        name=span.name,
        kind=KINDS.index(span.kind.lower()) if span.kind.lower() in KINDS else 1,
        trace_id=int(span.trace_id, 16),
        span_id=int(span.span_id, 16),
        parent_id=int(span.parent_id or "0", 16),
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        status="ERROR" if span.status == "ERROR" else "",
        service=str(span.resource["service.name"]),
        details=describe(span.attributes),
    )


def show_log_lines(log: Path, shown: set[str]) -> bool:
    """Print two lines that the shop logged during the requests, as they are; say whether they lead to what was shown."""
    print("\nTwo of its log lines, in the format it has, with the trace id that leads to the trees above")
    lines = [line for line in log.read_text().splitlines() if re.search(r" (INFO|ERROR) shop: ", line)]
    ids = [re.search(r"trace_id=([0-9a-f]{32})", line) for line in lines]
    chosen = [line for line, found in zip(lines, ids, strict=True) if found and found[1] in shown]
    for line in (chosen[0], chosen[-1]) if chosen else lines:
        print(f"  {line}")
    return len(chosen) > 1


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Say whether somebody accepts connections on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    sys.exit(main())
