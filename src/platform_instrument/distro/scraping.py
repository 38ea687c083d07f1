"""Where the service is scraped, and who listens there: nobody yet, one of our services, or somebody else."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from platform_instrument.distro.finding import Finding
from platform_instrument.telemetry.ports.listening import REFUSED, TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from platform_instrument.config.schema import Settings

_PROBED = "set PLATFORM_ADMIN_HOST and PLATFORM_ADMIN_PORT to others, or end what listens there"
_PATIENCE = 2.0
_OURS = b"platform-instrument: "
_LONGEST = 4_096
_REMEDY = "set OTEL_EXPORTER_PROMETHEUS_PORT to another, or end what listens there"
_USES = {"scraped": ("PI506", _REMEDY), "probed": ("PI508", _PROBED)}


def scraped(settings: Settings) -> tuple[str, str, list[Finding]]:
    """Return the address of the page, who is there now, and what is in the way; nothing where no page is asked for."""
    if "prometheus" not in settings.metrics_exporter:
        return "", "", []
    host, port = settings.exporter_prometheus_host, settings.exporter_prometheus_port
    if not port:
        return f"http://{host}/metrics", "a free port is chosen", []
    address = f"{f'[{host}]' if ':' in host else host}:{port}"
    answer = _answer(host, port)
    if answer is None:
        return f"http://{address}/metrics", "nobody listens yet", []
    if _OURS in answer:
        named = answer.partition(_OURS)[2].partition(b"\n")[0].decode("utf-8", "replace")
        finding = Finding("PI507", "metrics", f"a service is scraped at {address} now: {named}", "none, if it is the one")
        return f"http://{address}/metrics", "a service of ours listens", [finding]
    return f"http://{address}/metrics", "another program listens", [Finding("PI506", address, "another program listens", _REMEDY)]


def of_process(who: str, status: Mapping[str, Any]) -> Iterable[Finding]:
    """Return what is the matter with the endpoints of one process; `status` is that of its telemetry."""
    for use, (code, remedy) in _USES.items():
        found = status.get(use)
        if found is not None and found["state"] in {TAKEN, REFUSED}:
            yield Finding(code, f"{found['host']}:{found['port']}", f"{who} cannot be {use}: {found['state']}", remedy)


def _answer(host: str, port: int) -> bytes | None:
    """Return what is answered to a request for `/`, None where nobody listens."""
    try:
        with socket.create_connection((host, port), _PATIENCE) as connection:
            return _asked(connection, host)
    except OSError:
        return None


def _asked(connection: socket.socket, host: str) -> bytes:
    found = b""
    try:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        while len(found) < _LONGEST and (more := connection.recv(_LONGEST)):
            found += more
    except OSError:
        return found
    return found
