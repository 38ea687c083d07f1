"""What our own metrics say of a call: nothing that must not leave, and one series where two sets leave as one."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from platform_instrument.semantics.database import command, configured_database, database, databases, query, sqlite_database
from platform_instrument.testing.collector import Collector
from tests.privacy.planted import EMAIL, MARKER, PASSWORD, TOKEN, found_in
from tests.privacy.test_end_to_end import other_service
from tests.processes import run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.received import Point

PROGRAM = f"""
import os, sqlite3
import requests, urllib3
folder, url = os.environ["FOLDER"], os.environ["OTHER_URL"].removeprefix("http://")
for who in ("{EMAIL}", "x{EMAIL}"):
    connection = sqlite3.connect(os.path.join(folder, f"{{who}}.db"))
    connection.execute("CREATE TABLE plants (name TEXT)")
    connection.execute("INSERT INTO plants VALUES ('{MARKER}')")
    try:
        connection.execute("SELECT '{MARKER}' FROM missing")
    except sqlite3.OperationalError:
        pass
    connection.close()
for address in (f"http://ada:{PASSWORD}@{{url}}/{TOKEN}?token={MARKER}", f"http://{TOKEN}@{{url}}/missing/{EMAIL}"):
    requests.get(address)
    urllib3.PoolManager().request("GET", address.replace("ada:{PASSWORD}@", "").replace("{TOKEN}@", ""), retries=False)
try:
    requests.get("http://{EMAIL}:1@127.0.0.1:1/", timeout=1)
except requests.ConnectionError:
    pass
"""


def test_no_series_of_ours_carries_a_value_and_none_is_sent_twice(tmp_path: Path) -> None:
    with Collector() as collector, other_service() as (url, _):
        env = {"FOLDER": str(tmp_path), "OTHER_URL": url}
        done = run(["platform-instrument", sys.executable, "-c", PROGRAM], env=env, collector=collector)
        assert done.returncode == 0, done.stderr
        points = collector.metrics
    names = {point.name for point in points}
    assert {"db.client.operation.duration", "http.client.request.duration"} <= names
    assert found_in(json.dumps([dict(point.attributes) for point in points], default=str)) == []
    assert {point.attributes.get("db.namespace") for point in points if point.name.startswith("db.client.operation")} == {
        "[email]"
    }
    sent: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        sent.setdefault((point.name, str(sorted(point.attributes.items()))), []).append(point)
    latest = max(len(alike) for alike in sent.values())
    assert latest <= len(collector.requests), "one point a series and export"
    hidden = [
        p for p in points if p.name == "db.client.operation.duration" and p.attributes.get("db.query.summary") == "INSERT plants"
    ]
    assert [point.count for point in hidden] == [2]


def test_databases_whose_names_leave_as_one_are_one() -> None:
    first, second = sqlite_database(f"/data/{EMAIL}"), sqlite_database(f"/data/x{EMAIL}")
    assert first is second
    assert first.namespace == "[email]"
    assert sqlite_database(f"/data/{EMAIL}") is first
    assert databases().count(first) == 1
    assert query(first, "SELECT 1") is query(second, "SELECT 1")
    assert command(first, "GET") is command(second, "GET")


def test_plain_names_stay_as_they_are() -> None:
    where = configured_database("postgresql", "db-1.internal", None, "shop_2025")
    assert where is not None
    assert (where.namespace, where.address, where.port) == ("shop_2025", "db-1.internal", 5432)
    assert database("redis", "0", "10.0.0.17", 6379) is database("redis", "0", "10.0.0.17", 6379)
    socket = database("postgresql", "shop", "/var/run/postgresql")
    assert socket.address == "/var/run/postgresql"
    assert EMAIL not in str(database("mysql", f"tenant_{EMAIL}", f"{EMAIL}").attributes())
