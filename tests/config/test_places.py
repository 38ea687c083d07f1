"""Paths and ports of the probes that do not get along: one line each, and what holds instead."""

from __future__ import annotations

import pytest

from platform_instrument.config.read import read

LIVENESS, STARTUP, READINESS = (f"PLATFORM_PROBES_{name}_PATH" for name in ("LIVENESS", "STARTUP", "READINESS"))


def paths(environ: dict[str, str]) -> tuple[tuple[str, str, str], list[str]]:
    found, problems = read(environ)
    return (
        (found.probes_liveness_path, found.probes_startup_path, found.probes_readiness_path),
        [problem.variable for problem in problems],
    )


@pytest.mark.parametrize(
    ("environ", "expected", "told"),
    [
        ({LIVENESS: "/a", STARTUP: "/b", READINESS: "/c"}, ("/a", "/b", "/c"), []),
        ({LIVENESS: "/readyz", READINESS: "/livez"}, ("/readyz", "/startupz", "/livez"), []),
        ({LIVENESS: "/readyz"}, ("/livez", "/startupz", "/readyz"), [LIVENESS]),
        ({LIVENESS: "/a", STARTUP: "/a", READINESS: "/a"}, ("/livez", "/startupz", "/a"), [LIVENESS, STARTUP]),
        ({READINESS: "/a", LIVENESS: "/a", STARTUP: "/livez"}, ("/livez", "/startupz", "/a"), [LIVENESS, STARTUP]),
        ({READINESS: "/livez", LIVENESS: "/startupz", STARTUP: "/readyz"}, ("/startupz", "/readyz", "/livez"), []),
        ({READINESS: "/startupz", STARTUP: "/readyz", LIVENESS: "/readyz"}, ("/livez", "/readyz", "/startupz"), [LIVENESS]),
    ],
)
def test_each_probe_has_a_path_of_its_own(environ: dict[str, str], expected: tuple[str, str, str], told: list[str]) -> None:
    assert paths(environ) == (expected, told)


def test_a_path_that_two_probes_have_is_said_in_a_line() -> None:
    _, problems = read({READINESS: "/livez"})
    assert ", ".join(map(str, problems)) == (
        "PLATFORM_PROBES_READINESS_PATH='/livez' is the path of another probe too; /readyz is used; "
        "give each probe a path of its own"
    )


def test_the_port_of_the_probes_is_not_that_of_the_metrics() -> None:
    found, problems = read({"PLATFORM_ADMIN_PORT": "9464", "OTEL_METRICS_EXPORTER": "prometheus"})
    assert found.admin_port is None
    assert found.source("admin_port") == "default"
    assert [str(problem) for problem in problems] == [
        "PLATFORM_ADMIN_PORT='9464' is OTEL_EXPORTER_PROMETHEUS_PORT too; it is ignored; set another port"
    ]


def test_a_port_that_is_not_scraped_is_free_for_the_probes() -> None:
    found, problems = read({"PLATFORM_ADMIN_PORT": "9464"})
    assert (found.admin_port, problems) == (9464, [])
