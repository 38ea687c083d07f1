"""Who sends: service, process, host, container, as OpenTelemetry resource attributes.

The command's arguments are left out: they are where passwords are.
Source: https://opentelemetry.io/docs/specs/semconv/resource/
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

from platform_instrument import __version__
from platform_instrument.config.schema import INSTANCE_ID
from platform_instrument.telemetry.program import running_program
from platform_instrument.telemetry.workers.membership import instance_id

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings

_MOST = 128
_LONGEST = 4_096
_LONGEST_FILE = 256 * 1024

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm32", "armv6l": "arm32", "i686": "x86", "i386": "x86"}

_CGROUP = re.compile(r"(?:^|[/:-])([0-9a-f]{64}|[0-9a-f]{32}-\d{6,20})(?:\.scope)?$", re.MULTILINE)
_MOUNT = re.compile(r"containers/([0-9a-f]{64})/")
"""Docker's and podman's bind mounts; containerd's name the sandbox, which is another container."""


def resource_attributes(settings: Settings) -> dict[str, Any]:
    """Return the resource of this process, which takes its slot among the workers of its service with that.

    What `OTEL_RESOURCE_ATTRIBUTES` says stands over what is found, `OTEL_SERVICE_NAME` over both. An instance id in there is
    that of the first slot; the others add their numbers to it.
    """
    instance = instance_id(settings)
    found = {
        "service.name": running_program(),
        INSTANCE_ID: instance,
        **_telemetry(),
        **_process(),
        **_host(),
    }
    container = _container_id()
    if container:
        found["container.id"] = container
    for key, value in settings.resource_attributes.items():
        if len(found) < _MOST or key in found:
            found[key] = value[:_LONGEST]
    found[INSTANCE_ID] = instance[:_LONGEST]
    if settings.service_name:
        found["service.name"] = settings.service_name[:_LONGEST]
    return found


def _telemetry() -> dict[str, Any]:
    """Say that this is not OpenTelemetry's own SDK, as the conventions ask of others."""
    return {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "platform_instrument",
        "telemetry.sdk.version": __version__,
        "telemetry.distro.name": "platform-instrument",
        "telemetry.distro.version": __version__,
    }


def _process() -> dict[str, Any]:
    version = sys.version_info
    described = ".".join(map(str, version[:3]))
    attributes: dict[str, Any] = {
        "process.pid": os.getpid(),
        "process.parent_pid": os.getppid(),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": described if version.releaselevel == "final" else f"{described}{version.releaselevel}",
        "process.runtime.description": sys.version.replace("\n", " "),
    }
    if sys.executable:
        attributes["process.executable.path"] = sys.executable[:_LONGEST]
        attributes["process.executable.name"] = sys.executable.rpartition("/")[2]
    command = getattr(sys, "orig_argv", sys.argv)[:1]
    if command:
        attributes["process.command"] = str(command[0])[:_LONGEST]
    return attributes


def _host() -> dict[str, Any]:
    system = os.uname()
    return {
        "host.name": system.nodename,
        "host.arch": _ARCHITECTURES.get(system.machine, system.machine),
        "os.type": system.sysname.lower(),
        "os.version": system.release,
    }


def _container_id() -> str:
    """Return the id of the container this process runs in, empty outside of one: from cgroup version 1, else from the mounts."""
    for path, pattern in (("/proc/self/cgroup", _CGROUP), ("/proc/self/mountinfo", _MOUNT)):
        container = container_id(_start_of(path), pattern)
        if container:
            return container
    return ""


def container_id(text: str, pattern: re.Pattern[str] = _CGROUP) -> str:
    """Return the first container id in the text of a file under `/proc`."""
    found = pattern.search(text)
    return found[1] if found else ""


def _start_of(path: str) -> str:
    """Return the start of a file, nothing where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib costs 8 ms
            return file.read(_LONGEST_FILE)
    except OSError:
        return ""
