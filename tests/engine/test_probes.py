"""What the probes answer: status, words, every check with its facts; nothing secret, and nothing written twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.config.read import read
from platform_instrument.engine.health import DOWN, HEALTH, UNKNOWN, UP, Check
from platform_instrument.engine.probes import Probe, liveness, probes, readiness, startup

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    HEALTH.renew()
    yield
    HEALTH.renew()


def told(probe: Probe, query: str = "") -> tuple[int, Any]:
    answer = probe.answer(query)
    return answer.status, json.loads(answer.body)


REDIS = Check("redis cache:6379/0", DOWN, 0.0012345678, 1_700_000_000.25, critical=True, message="ConnectionError")


def test_liveness_is_that_somebody_answers() -> None:
    HEALTH.report(REDIS)
    HEALTH.drain()
    assert told(Probe(liveness), "verbose") == (200, {"status": "alive"})


def test_start_up_is_shown_with_what_it_waits_for() -> None:
    probe = Probe(startup)
    assert told(probe) == (503, {"status": "starting", "checks": []})
    HEALTH.report_startup(Check("cache is warm"))
    HEALTH.load()
    status, body = told(probe)
    assert (status, body["status"], [(check["name"], check["state"]) for check in body["checks"]]) == (
        503,
        "starting",
        [("cache is warm", UNKNOWN)],
    )
    HEALTH.report_startup(Check("cache is warm", UP))
    assert told(probe)[0] == 200
    HEALTH.drain()
    assert told(probe)[1]["status"] == "started"


def test_readiness_says_how_the_process_stands() -> None:
    probe = Probe(readiness)
    found = [told(probe)]
    HEALTH.load()
    found.append(told(probe))
    HEALTH.report(REDIS)
    found.append(told(probe))
    HEALTH.report(REDIS._replace(tolerated=True))
    found.append(told(probe))
    HEALTH.drain()
    found.append(told(probe))
    assert [(status, body["status"]) for status, body in found] == [
        (503, "starting"),
        (200, "ready"),
        (503, "unready"),
        (200, "ready"),
        (503, "draining"),
    ]


@pytest.mark.parametrize(
    ("query", "more"),
    [("", {}), ("verbose", {"message": "ConnectionError"}), ("a=b&verbose=1", {"message": "ConnectionError"}), ("verbosely", {})],
)
def test_a_check_is_shown_with_its_facts_and_its_message_to_who_asks(query: str, more: dict[str, str]) -> None:
    HEALTH.load()
    HEALTH.report(REDIS)
    expected = {
        "name": "redis cache:6379/0",
        "state": "down",
        "critical": True,
        "tolerated": False,
        "latency_seconds": 0.001235,
        "since": "2023-11-14T22:13:20.250+00:00",
        **more,
    }
    assert told(Probe(readiness), query) == (503, {"status": "unready", "checks": [expected]})


def test_a_check_that_was_never_made_has_neither_latency_nor_time() -> None:
    HEALTH.report(Check("redis"))
    _, body = told(Probe(readiness))
    assert (body["checks"][0]["latency_seconds"], body["checks"][0]["since"]) == (None, None)


def test_no_secret_is_shown() -> None:
    message = f"connect to postgresql://shop:hunter2@db/shop failed for jdoe@example.com, password=hunter2 {'x' * 2_000}"
    HEALTH.report(Check("http://shop:hunter2@auth/healthz?token=hunter2", DOWN, message=message))
    body = Probe(readiness).answer("verbose").body
    assert b"hunter2" not in body
    assert b"jdoe" not in body
    assert b"db/shop failed" in body
    assert len(body) < 1_000


def test_an_answer_is_written_once_for_each_change() -> None:
    probe = Probe(readiness)
    HEALTH.load()
    first = probe.answer("")
    assert probe.answer("") is first
    assert probe.answer("verbose") is probe.answer("verbose=1")
    HEALTH.report(REDIS)
    assert probe.answer("") is not first


def test_the_probes_are_at_the_paths_of_the_settings() -> None:
    settings, _ = read({"PLATFORM_PROBES_READINESS_PATH": "/health/ready"})
    found = probes(settings)
    assert list(found) == ["/livez", "/startupz", "/health/ready"]
    assert [json.loads(probe.answer("").body)["status"] for probe in found.values()] == ["alive", "starting", "starting"]


def test_draining_that_is_known_elsewhere_alone_is_told() -> None:
    probe, elsewhere = Probe(readiness), [False]
    HEALTH.load()
    HEALTH.elsewhere = lambda: elsewhere[0]
    try:
        before = told(probe)[0]
        elsewhere[0] = True
        assert (before, told(probe)) == (200, (503, {"status": "draining", "checks": []}))
    finally:
        HEALTH.elsewhere = None
