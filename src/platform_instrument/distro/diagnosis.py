"""One examination: this environment, and the processes of a command that ran in it, as a report and its findings."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any

from platform_instrument import __version__
from platform_instrument.config.catalogue import PROMISED
from platform_instrument.config.overview import Row, all_problems, rows
from platform_instrument.config.read import read
from platform_instrument.config.schema import setting_of, switched_off
from platform_instrument.distro import agents, collectors, libraries, scraping
from platform_instrument.distro.doors import Door, doors
from platform_instrument.distro.finding import ERROR, INFO, WARNING, Finding
from platform_instrument.distro.record import described_faults
from platform_instrument.engine.apply import PATCHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from platform_instrument.config.problem import ConfigProblem

_SHAPE = 1
"""The version of the JSON: raised when a field goes or changes its meaning."""

_MOST_PROCESSES = 200

_WORTH_NAMING = 0.001
"""Share of a process's CPU time from which on a library is named."""


@dataclass(slots=True)
class Report:
    """What was found; `processes` are the records of the command's, None where no command was given."""

    doors: list[Door]
    settings: list[Row]
    problems: list[ConfigProblem]
    libraries: list[libraries.Library]
    agents: dict[str, str]
    exports: list[collectors.Export]
    processes: list[dict[str, Any]] | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != ERROR for finding in self.findings)

    def described(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "shape": _SHAPE,
            "healthy": self.healthy,
            "platform_instrument": __version__,
            "python": ".".join(map(str, sys.version_info[:3])),
            "doors": [{"name": door.name, "open": door.open, "detail": door.detail} for door in self.doors],
            "settings": [{"variable": row.variable, "value": row.value, "source": row.source} for row in self.settings],
            "libraries": [library.described() for library in self.libraries],
            "agents": [{"distribution": name, "version": version} for name, version in self.agents.items()],
            "exports": [
                {name: getattr(export, name) for name in ("signal", "exporters", "endpoint", "protocol", "arrives", "reason")}
                for export in self.exports
            ],
            "processes": self.processes,
            "findings": [finding.described() for finding in self.findings],
        }


def examine(environ: Mapping[str, str]) -> Report:
    """Examine the environment that the next program would start in; settings are those that are set."""
    settings, problems = read(environ)
    found, findings = doors(environ)
    exports, undelivered = collectors.exports(settings)
    others = _installed_agents()
    report = Report(
        doors=found,
        settings=[row for row in rows(settings) if row.source != "default"],
        problems=all_problems(settings, problems),
        libraries=libraries.installed(settings),
        agents=others,
        exports=exports,
    )
    if switched_off(settings):
        remedy = "remove OTEL_SDK_DISABLED and PLATFORM_ENABLED to switch it on"
        findings.append(
            Finding("PI103", "platform-instrument", "is switched off: nothing is patched and nothing is sent", remedy)
        )
    findings += [_of_problem(problem) for problem in report.problems]
    findings += libraries.unknown_names(settings)
    findings += [
        Finding("PI204", row.variable, "is read, and nothing obeys it yet", "remove it, or wait for a later version")
        for row in report.settings
        if row.variable in PROMISED
    ]
    remedy = "run the service under one of them, not under both"
    findings += [Finding("PI404", name, f"{version} is installed here too", remedy) for name, version in others.items()]
    report.findings = findings + undelivered
    return report


def conclude(report: Report) -> Report:
    """Add what the libraries say for themselves, once all that is known of them is merged; order by severity, then code."""
    report.findings += libraries.findings(report.libraries)
    report.findings += _of_faults("doctor", {"faults": described_faults()})
    order = (ERROR, WARNING, INFO)
    once = {(finding.code, finding.subject, finding.message): finding for finding in report.findings}
    report.findings = sorted(once.values(), key=lambda finding: (order.index(finding.severity), finding.code, finding.subject))
    return report


def records(folder: str) -> list[dict[str, Any]]:
    """Return what processes have written about themselves, in the order of their ids; what cannot be read is left out."""
    found = []
    for name in sorted(os.listdir(folder))[:_MOST_PROCESSES]:
        if name.endswith(".json"):
            try:
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    found.append(json.load(file))
            except (OSError, ValueError):
                continue
    return sorted(found, key=lambda record: record["pid"])


def take_in(report: Report, processes: list[dict[str, Any]]) -> None:
    """Add what the processes of a command say of themselves."""
    report.processes = processes
    for process in processes:
        libraries.merge(report.libraries, process["libraries"])
        report.findings += _of_process(process)
    for library in report.libraries:
        if library.status == libraries.WOULD:
            library.status = libraries.UNUSED
    if all(process["refusal"] for process in processes):
        refusals = (
            ", ".join(dict.fromkeys(process["refusal"] for process in processes)) or "none started under platform-instrument"
        )
        remedy = (
            "give a Python program; one that is started with -S, or through a shell that clears the environment, is out of reach"
        )
        report.findings.append(Finding("PI105", "command", f"no process was instrumented: {refusals}", remedy))


def take_trial(report: Report, processes: list[dict[str, Any]]) -> None:
    """Add what a process has said that imported every library and did nothing else."""
    for process in processes:
        libraries.merge(report.libraries, process["libraries"])
        report.findings += _of_faults("a trial of the libraries", process)
    for library in report.libraries:
        if library.status == libraries.WOULD:
            remedy = f"import {library.modules[0]} by hand to see why"
            report.findings.append(Finding("PI307", library.name, "was imported for a trial, and nothing was patched", remedy))


def _of_problem(problem: ConfigProblem) -> Finding:
    value = f"={problem.value}" if problem.value else ""
    used = f"{problem.used} is used" if problem.used else "it is ignored"
    code = "PI202" if setting_of(problem.variable) is None else "PI201"
    return Finding(code, problem.variable, f"{value}{' ' if value else ''}{problem.problem}; {used}", problem.remedy)


def _installed_agents() -> dict[str, str]:
    """Return the agents of others that are installed, with their versions; upstream's distro is no agent without a command."""
    installed = {distribution.metadata["Name"]: distribution.version for distribution in distributions()}
    return {name: installed[name] for name in agents.AGENTS if name in installed and name != "opentelemetry-distro"}


def _of_process(process: Mapping[str, Any]) -> Iterable[Finding]:
    """Return what one process has to say."""
    who = f"process {process['pid']} ({process['program']})"
    if process["refusal"]:
        yield Finding("PI106", who, f"was left alone: {process['refusal']}", "none is needed, unless it is the service")
        return
    for module in process["early"]:
        if module.partition(".")[0] not in sys.stdlib_module_names:
            remedy = "see what imports it at interpreter start: a .pth file, or another sitecustomize"
            yield Finding("PI305", module, f"was imported before start-up in {who}; names taken from it escape us", remedy)
    yield from _of_agents(who, process)
    if process["provider"]:
        yield Finding("PI403", who, f"has a tracer provider of its own: {process['provider']}", "none is needed")
    yield from _of_faults(who, process)
    yield from _of_telemetry(who, process["telemetry"])
    yield from _of_overhead(who, process.get("overhead"))


def _of_agents(who: str, process: Mapping[str, Any]) -> Iterable[Finding]:
    """Return who else observes one process, and what was done about it."""
    patched = {library["name"] for library in process["libraries"] if library["status"] == PATCHED}
    by_us = {library["name"].replace("_", "-") for library in process["libraries"] if not library["native"]}
    for name in process["agents"]:
        library = name.removeprefix(agents.INSTRUMENTOR)
        if library in by_us:
            continue
        if library == name:
            if name != "opentelemetry-distro":
                message = f"is at work in {who} too; what it sends about itself is left out of our telemetry"
                yield Finding("PI401", name, message, "run the service under one of them, not under both")
        elif agents.owned(library, patched):
            count = process["deferred"].get(library, 0)
            message = f"is loaded in {who}, and we observe the same library: {count} of its spans gave way to ours"
            yield Finding("PI402", name, message, "none is needed; it can be removed from the code")
        else:
            message = f"is loaded in {who}, and we do not observe its library: its spans are kept"
            yield Finding("PI405", name, message, "none is needed")


def _of_faults(who: str, process: Mapping[str, Any]) -> Iterable[Finding]:
    for fault in process["faults"]:
        message = f"a fault of ours in {fault['place']}, {fault['count']} times: {fault['error']}"
        yield Finding("PI601", who, message, "report it; the application was not harmed")


def _of_telemetry(who: str, telemetry: Mapping[str, Any] | None) -> Iterable[Finding]:
    """Return what was lost, or that there was nothing to lose."""
    if telemetry is None:
        return
    yield from scraping.of_process(who, telemetry)
    for unit, reasons in telemetry["dropped"].items():
        lost = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in reasons.items())
        why = telemetry.get(unit, {}).get("reason", "")
        remedy = "see that the collector is there and keeps up"
        yield Finding("PI602", who, f"lost {unit}: {lost}{f' ({why})' if why else ''}", remedy)
    sent = [value["delivered"] for value in telemetry.values() if isinstance(value, dict) and "delivered" in value]
    if sent and not any(sent) and not telemetry["dropped"]:
        yield Finding("PI603", who, "recorded nothing", "send it a request, or let it do some work, before it ends")


def _of_overhead(who: str, overhead: Mapping[str, Any] | None) -> Iterable[Finding]:
    """Return what was left out to keep to the budget, and that it was not kept."""
    if overhead is None:
        return
    shed = ", ".join(f"{count} {kind}" for kind, count in overhead["shed"].items() if count)
    most = f"PLATFORM_MAX_OVERHEAD={overhead['most'] * 100:g}%"
    if overhead["excess"]:
        shares = sorted(overhead["shares"].items(), key=lambda item: -item[1])
        by = ", ".join(f"{name} {share * 100:.1f}%" for name, share in shares if share >= _WORTH_NAMING)
        message = f"observing took more than {most} with everything left out that can be: {by}"
        yield Finding("PI605", who, message, "raise it, or switch off the instrumentation that takes most")
    if shed:
        yield Finding("PI604", who, f"left out to keep to {most}: {shed}", "none is needed; raise it to have all")
