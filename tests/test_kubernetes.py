"""The manifests of the documentation: they parse, name real settings and the paths that are answered, and their times fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from platform_instrument.config.read import read
from platform_instrument.engine.probes import probes
from tests.processes import BIN
from tests.test_documentation import blocks

PAGE = Path(__file__).parent.parent / "docs" / "kubernetes.md"
DOCUMENTS = [document for block in blocks(PAGE, "yaml") for document in yaml.safe_load_all(block)]
DEPLOYMENTS = {document["metadata"]["name"]: document for document in DOCUMENTS if document["kind"] == "Deployment"}
PATHS = {"livenessProbe": "/livez", "startupProbe": "/startupz", "readinessProbe": "/readyz"}


def container(deployment: str) -> dict[str, Any]:
    (found,) = DEPLOYMENTS[deployment]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(deployment: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container(deployment)["env"]}


def test_there_is_a_deployment_of_each_kind() -> None:
    assert sorted(DEPLOYMENTS) == ["mailer", "shop", "stock"]
    for deployment in DEPLOYMENTS.values():
        spec = deployment["spec"]
        assert deployment["apiVersion"] == "apps/v1"
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_the_variables_are_settings_with_values_that_fit(deployment: str) -> None:
    settings, problems = read(environment(deployment))
    assert problems == []
    assert all(isinstance(each["value"], str) for each in container(deployment)["env"])
    assert set(settings.sources) == {name.partition("_")[2].lower() for name in environment(deployment)}


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_each_probe_asks_for_its_path_where_that_is_answered(deployment: str) -> None:
    settings, _ = read(environment(deployment))
    found = container(deployment)
    ports = {port["name"]: port["containerPort"] for port in found["ports"]}
    assert list(probes(settings)) == [PATHS[probe] for probe in ("livenessProbe", "startupProbe", "readinessProbe")]
    for probe, path in PATHS.items():
        asked = found[probe]["httpGet"]
        assert asked["path"] == path
        if settings.probes:
            assert f"--port {ports[asked['port']]}" in " ".join(found["command"])
        else:
            assert (ports[asked["port"]], settings.admin_host) == (settings.admin_port, "0.0.0.0")  # noqa: S104 - what is written


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_pod_is_given_the_time_that_its_end_takes(deployment: str) -> None:
    settings, _ = read(environment(deployment))
    pod = DEPLOYMENTS[deployment]["spec"]["template"]["spec"]
    assert settings.shutdown
    assert pod["terminationGracePeriodSeconds"] > settings.shutdown_timeout
    assert "lifecycle" not in container(deployment)
    readiness = container(deployment)["readinessProbe"]
    if settings.shutdown_delay:
        assert readiness["periodSeconds"] * readiness["failureThreshold"] < settings.shutdown_delay


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_the_command_is_ours_and_then_one_that_exists(deployment: str) -> None:
    ours, program, *_ = container(deployment)["command"]
    assert ours == "platform-instrument"
    assert all((BIN / name).exists() for name in (ours, program))
