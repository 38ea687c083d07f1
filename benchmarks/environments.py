"""The implementations that are compared, each in a virtual environment of its own, made on first use."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench"
COLLECTOR_PORT, UPSTREAM_PORT, REDIS_PORT, SERVICE_PORT, RPC_PORT = 18318, 18319, 18379, 18320, 18321

_UPSTREAM, _UPSTREAM_CONTRIB = "1.45.1", "0.66b1"
_SERVICE = (
    "fastapi==0.165.0",
    "httptools",
    "httpx==0.28.1",
    "redis==8.1.0",
    "sqlalchemy==2.0.58",  # upstream's instrumentation refuses 2.1
    "starlette==1.10.0",
    "uvicorn==0.54.0",
    "uvloop",
)
"""What the measured service imports, pinned so that figures of two days can be compared."""

_EXPORT = {
    "OTEL_SERVICE_NAME": "bench",
    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{COLLECTOR_PORT}",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_BSP_SCHEDULE_DELAY": "1000",
    "OTEL_METRIC_EXPORT_INTERVAL": "2000",
}
_INHERITED_UNWANTED = ("OTEL_", "PLATFORM_", "PYTHON", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Implementation:
    """One way to run the service: what is installed beside it, through which command, with which variables."""

    name: str
    packages: tuple[str, ...] = ()
    command: str = ""
    variables: tuple[tuple[str, str], ...] = ()
    module: str = "sys"
    """What `sys.modules` must hold while a program runs under it."""
    service: tuple[str, ...] = _SERVICE
    folder_name: str = ""
    """Where its environment is, when it is not called as it is."""
    compared: tuple[str, ...] = (
        "fastapi",
        "uvicorn",
        "sqlalchemy",
        "redis",
        "httpx",
        "opentelemetry-sdk",
        "opentelemetry-instrumentation",
    )
    """Packages whose versions stand above the figures."""

    @property
    def folder(self) -> Path:
        """Where its environment is."""
        return FOLDER / (self.folder_name or self.name)

    def program(self, *arguments: str, cpu: int | None = 0) -> tuple[list[str], dict[str, str]]:
        """Return command line and environment of a Python program under this implementation, on one processor."""
        base = {name: value for name, value in os.environ.items() if not name.startswith(_INHERITED_UNWANTED)}
        base["PATH"] = f"{self.folder / 'bin'}{os.pathsep}{base.get('PATH', os.defpath)}"
        base["PYTHONPATH"] = str(Path(__file__).parent / "measured")
        base["BENCH_REDIS_PORT"], base["BENCH_UPSTREAM_PORT"] = str(REDIS_PORT), str(UPSTREAM_PORT)
        launcher = [str(self.folder / "bin" / self.command)] if self.command else []
        return [*on_processor(cpu), *launcher, str(self.folder / "bin/python"), *arguments], base | dict(self.variables)


def upstream(*libraries: str) -> tuple[str, ...]:
    """Return upstream's packages that instrument libraries."""
    return (
        f"opentelemetry-distro=={_UPSTREAM_CONTRIB}",
        f"opentelemetry-exporter-otlp-proto-http=={_UPSTREAM}",
        *(f"opentelemetry-instrumentation-{library}=={_UPSTREAM_CONTRIB}" for library in libraries),
    )


BARE = Implementation("bare")
OURS = Implementation("platform-instrument", (str(ROOT),), "platform-instrument", tuple(_EXPORT.items()), "platform_instrument")
VANILLA = Implementation(
    "opentelemetry-instrument",
    upstream("asgi", "fastapi", "httpx", "logging", "redis", "sqlalchemy"),
    "opentelemetry-instrument",
    (*_EXPORT.items(), ("OTEL_PYTHON_LOG_CORRELATION", "true"), ("OTEL_SEMCONV_STABILITY_OPT_IN", "http")),
    "opentelemetry",
)
IMPLEMENTATIONS = (BARE, OURS, VANILLA)
MASKING = Implementation("masking", (str(ROOT), "sqlglot[c]==30.30.0"), service=(), compared=("sqlglotc",))
"""Where masking is measured: beside a tokenizer that is compiled."""
SCRAPE = Implementation(
    "scrape",
    (str(ROOT), f"opentelemetry-exporter-prometheus=={_UPSTREAM_CONTRIB}"),
    service=(),
    compared=("opentelemetry-exporter-prometheus", "prometheus-client"),
)
"""Where scrapes are measured: beside upstream's exporter, in one process."""
LOGS = Implementation(
    "logs",
    (str(ROOT), f"opentelemetry-exporter-otlp-proto-http=={_UPSTREAM}"),
    service=(),
    compared=("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
)
"""Where the export of logs is measured: beside upstream's handler and encoder, in one process."""


def on_processor(cpu: int | None) -> list[str]:
    """Return the words that keep a command on one processor, none where that cannot be had."""
    pinned = cpu is not None and (os.cpu_count() or 1) > 1 and shutil.which("taskset")
    return ["taskset", "-c", str(cpu)] if pinned else []


def prepare(implementation: Implementation) -> None:
    """Make the environment, or bring it up to date: our own package is installed anew each time."""
    packages = [*implementation.service, *implementation.packages]
    stamp = implementation.folder / "installed"
    wanted = hashlib.sha256("\n".join([sys.version, *packages]).encode()).hexdigest()
    pip = [str(implementation.folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install"]
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {implementation.name}: {', '.join(packages)}", file=sys.stderr)
        shutil.rmtree(implementation.folder, ignore_errors=True)
        venv.create(implementation.folder, with_pip=True)
        subprocess.run([*pip, "--quiet", "--upgrade", "pip"], check=True, stdout=sys.stderr)
        subprocess.run([*pip, *packages], check=True, stdout=sys.stderr)
        stamp.write_text(wanted)
    elif str(ROOT) in implementation.packages:
        subprocess.run([*pip, "--quiet", "--no-deps", "--force-reinstall", str(ROOT)], check=True, stdout=sys.stderr)


def versions(implementation: Implementation) -> str:
    """Return what was compared, in one line."""
    script = (
        "import sys, importlib.metadata as m; print('CPython', sys.version.split()[0], *(f'{n} {m.version(n)}' for n in "
        f"{implementation.compared}), sep=', ')"
    )
    return subprocess.run(
        [implementation.folder / "bin/python", "-c", script], check=True, capture_output=True, text=True
    ).stdout.strip()
