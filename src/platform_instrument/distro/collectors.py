"""Whether telemetry would arrive: one empty export to each collector, by the exporter that the service uses."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from platform_instrument.config.otlp import otlp_settings
from platform_instrument.config.problem import without_credentials
from platform_instrument.distro.finding import Finding
from platform_instrument.distro.scraping import scraped
from platform_instrument.telemetry.grpc_exporter import ExporterUnavailable, GrpcExporter
from platform_instrument.telemetry.http_exporter import HttpExporter

if TYPE_CHECKING:
    from platform_instrument.config.otlp import OtlpSettings
    from platform_instrument.config.schema import Settings
    from platform_instrument.telemetry.outcome import Outcome

SIGNALS = ("traces", "metrics", "logs")

_PATIENCE = 3.0
"""Seconds for one collector."""

_USUAL = {"4317": "grpc", "4318": "http/protobuf"}


@dataclass(frozen=True, slots=True)
class Export:
    """One signal: the exporters it has, and for OTLP the collector and whether it took an empty export."""

    signal: str
    exporters: tuple[str, ...]
    endpoint: str = ""
    protocol: str = ""
    arrives: bool | None = None
    reason: str = ""


def exports(settings: Settings) -> tuple[list[Export], list[Finding]]:
    """Return how each signal leaves, and what is in its way."""
    found: list[Export] = []
    findings: list[Finding] = []
    for signal in SIGNALS:
        exporters: tuple[str, ...] = getattr(settings, f"{signal}_exporter")
        if signal == "logs" and exporters == ("none",):
            continue  # as it is by default
        if "otlp" not in exporters:
            found += [Export(signal, exporters)] if exporters != ("prometheus",) else []
            continue
        otlp, _ = otlp_settings(settings, signal)
        export, finding = _tried(otlp, exporters)
        found.append(export)
        findings += [each for each in (finding, _mismatch(otlp)) if each is not None]
    page, there, more = scraped(settings)
    if page:
        found.append(Export("metrics", ("prometheus",), page, "prometheus", reason=there))
        findings += more
    if all(export.exporters == ("none",) for export in found):
        findings.append(Finding("PI505", "export", "every exporter is none, so nothing leaves", "set OTEL_TRACES_EXPORTER"))
    return found, findings


def _tried(otlp: OtlpSettings, exporters: tuple[str, ...]) -> tuple[Export, Finding | None]:
    """Send an empty export, which every collector takes."""
    shown = without_credentials(otlp.endpoint)
    try:
        exporter = GrpcExporter(otlp) if otlp.protocol == "grpc" else HttpExporter(otlp)
    except ExporterUnavailable as missing:
        export = Export(otlp.signal, exporters, shown, otlp.protocol, arrives=False, reason="grpcio is not installed")
        return export, Finding("PI504", otlp.signal, "cannot leave: grpcio is not installed", str(missing))
    try:
        outcome = exporter.send(b"", monotonic() + _PATIENCE, encoding="none")
    finally:
        exporter.close()
    export = Export(otlp.signal, exporters, shown, otlp.protocol, outcome.delivered, outcome.reason)
    return export, None if outcome.delivered else _undelivered(otlp, outcome)


def _undelivered(otlp: OtlpSettings, outcome: Outcome) -> Finding:
    """Tell a collector that refuses from one that is not there."""
    shown = without_credentials(otlp.endpoint)
    if _listens(otlp.endpoint):
        remedy = "see that address, path, protocol, headers and TLS are those of an OTLP receiver"
        return Finding("PI502", otlp.signal, f"{shown} does not take an empty export: {outcome.reason}", remedy)
    remedy = "start a collector there, or set OTEL_EXPORTER_OTLP_ENDPOINT"
    return Finding("PI501", otlp.signal, f"nobody listens at {shown}: {outcome.reason}", remedy)


def _listens(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "localhost", port), _PATIENCE):
            return True
    except OSError:
        return False


def _mismatch(otlp: OtlpSettings) -> Finding | None:
    """Say that a port usually speaks the other protocol."""
    port = str(urlsplit(otlp.endpoint).port or "")
    usual = _USUAL.get(port, otlp.protocol)
    if usual == otlp.protocol:
        return None
    message = f"{otlp.protocol} goes to port {port}, where collectors usually speak {usual}"
    return Finding("PI503", otlp.signal, message, f"set OTEL_EXPORTER_OTLP_PROTOCOL={usual}, or the other port")
