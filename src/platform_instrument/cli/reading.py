"""A report of doctor as people read it: sections of aligned lines, the findings last, where they are seen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument import __version__
from platform_instrument.cli.output import columns
from platform_instrument.distro.finding import ERROR, WARNING

if TYPE_CHECKING:
    from platform_instrument.distro.diagnosis import Report

_ARRIVES = {True: "arrives", False: "does not arrive", None: ""}


def text(report: Report) -> str:
    """Return the report."""
    python = ".".join(map(str, sys.version_info[:3]))
    parts = [f"platform-instrument {__version__}, Python {python}\n"]
    parts += _section("Doors", [[door.name, "open" if door.open else "closed", door.detail] for door in report.doors])
    parts += _section("Settings", [[row.variable, _printable(row.value), row.source] for row in report.settings])
    rows = [
        [
            library.name,
            library.version if library.distribution != "python" else "-",
            library.status,
            library.reason or library.doubt,
        ]
        for library in report.libraries
    ]
    parts += _section("Libraries", rows)
    exports = [
        [export.signal, _printable(export.endpoint) or ",".join(export.exporters), export.protocol,
         " ".join(filter(None, (_ARRIVES[export.arrives], f"({export.reason})" if export.reason else "")))]
        for export in report.exports
    ]  # fmt: skip
    parts += _section("Export", exports)
    if report.processes is not None:
        parts += _section("Processes", [_process(process) for process in report.processes])
    findings = [
        [finding.severity, finding.code, f"{finding.subject}: {finding.message}; {finding.remedy}"] for finding in report.findings
    ]
    parts += _section("Findings", [[*finding[:2], _printable(finding[2])] for finding in findings])
    return "".join([*parts, "\n", _summary(report), "\n"])


def _section(title: str, table: list[list[str]]) -> list[str]:
    return [f"\n{title}\n", columns(table) if table else "  none\n"]


def _process(process: dict[str, Any]) -> list[str]:
    """Return what became of one process, in a line."""
    patched = [library["name"] for library in process["libraries"] if library["status"] == "patched"]
    said = process["refusal"] or f"instrumented ({', '.join(patched) or 'no library used'})"
    telemetry = process["telemetry"] or {}
    sent = [
        f"{value['delivered']} {unit}" for unit, value in telemetry.items() if isinstance(value, dict) and "delivered" in value
    ]
    places = [(use, telemetry[use]) for use in ("scraped", "probed") if use in telemetry]
    where = "".join([f"; {use} at {place['host']}:{place['port']}: {place['state']}" for use, place in places])
    return [str(process["pid"]), process["program"], f"{said}{'; delivered ' if sent else ''}{', '.join(sent)}{where}"]


def _summary(report: Report) -> str:
    """Return the last line."""
    errors = sum(finding.severity == ERROR for finding in report.findings)
    warnings = sum(finding.severity == WARNING for finding in report.findings)
    if not errors and not warnings:
        return "all well"
    counts = [(errors, "error"), (warnings, "warning")]
    counted = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count)
    return f"{counted}; docs/troubleshooting.md explains each code"


def _printable(value: str) -> str:
    return value if value.isprintable() else ascii(value)[1:-1]
