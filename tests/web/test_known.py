"""Facts of requests on real servers: each line has those of its own request, whoever else is served meanwhile."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from platform_instrument.testing.recorder import recording
from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.wsgi import observe_wsgi
from tests.processes import BIN
from tests.web.serving import observed, servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.web.serving import Observed

ROOT = Path(__file__).parent.parent.parent
SERVERS: dict[str, Callable[[int], Sequence[str | Path]]] = {
    "uvicorn": lambda port: [BIN / "uvicorn", "facts_apps:asgi", "--port", str(port)],
    "gthread": lambda port: [BIN / "gunicorn", "-k", "gthread", "--threads", "3", "-b", f"127.0.0.1:{port}", "facts_apps:wsgi"],
    "gevent": lambda port: [BIN / "gunicorn", "-k", "gevent", "-b", f"127.0.0.1:{port}", "facts_apps:wsgi"],
    "hypercorn": lambda port: [BIN / "hypercorn", "-b", f"127.0.0.1:{port}", "facts_apps:asgi"],
    "granian": lambda port: [BIN / "granian", "--interface", "asgi", "--port", str(port), "facts_apps:asgi"],
    "granian wsgi": lambda port: [
        *(BIN / "granian", "--interface", "wsgi", "--blocking-threads", "3", "--port", str(port), "facts_apps:wsgi"),
    ],
    "waitress": lambda port: [BIN / "waitress-serve", "--listen", f"127.0.0.1:{port}", "facts_apps:wsgi"],
}
REQUESTS = 40
MARK = re.compile(r"(began|step) <(\w*)>")
NOWHERE = {"OTEL_METRICS_EXPORTER": "none"}
LOGS = {"OTEL_LOGS_EXPORTER": "otlp"}


def told(line: str) -> str:
    """Return what a line tells after its ids."""
    return line.partition(" span_id=")[2][16:]


@pytest.mark.parametrize("server", SERVERS)
def test_lines_spans_and_records_have_the_facts_of_their_own_request_and_no_other(server: str) -> None:
    """Threads and greenlets serve one after the other; every third request says nothing of itself."""
    users = ["" if number % 3 == 2 else f"u{number}" for number in range(REQUESTS)]
    with observed(SERVERS[server], {**NOWHERE, **LOGS}) as running:
        with ThreadPoolExecutor(12) as pool:
            paths = [f"/streams?{user}" if "wsgi" in str(SERVERS[server](0)[-1]) else f"/?{user}" for user in users]
            assert {answer[0] for answer in pool.map(running.server.get, paths)} == {200}
        spans = running.collector.wait_for(lambda spans: len(servers(spans)) == REQUESTS, 30)
        running.server.terminate()
        output, records, spans = running.server.stdout, running.collector.logs, running.collector.spans
    lines = [(mark[1], mark[2], line) for line in output.splitlines() if (mark := MARK.search(line))]
    assert len(lines) >= REQUESTS * 6
    for step, user, line in lines:
        assert told(line) == (f" user.id={user} tenant.id=of-{user}" if step == "step" and user else ""), line
    for record in records:
        mark = MARK.search(str(record.body))
        if mark:
            facts = {key: value for key, value in record.attributes.items() if not key.startswith("code.")}
            step, user = mark.groups()
            assert facts == ({"user.id": user, "tenant.id": f"of-{user}"} if step == "step" and user else {}), record
    judge_spans(spans)


def judge_spans(spans: Sequence[Any]) -> None:
    """Assert that each request's span and the last of the two queries below it say whom they are for, and the first does not."""
    for span in servers(spans):
        user = span.attributes.get("url.query", "")
        facts = {"user.id": user, "tenant.id": f"of-{user}"} if user else {}
        queries = sorted((each for each in spans if each.parent_id == span.span_id), key=lambda each: each.start_ns)
        found = [{key: value for key, value in each.attributes.items() if key in {"user.id", "tenant.id"}} for each in queries]
        assert {key: value for key, value in span.attributes.items() if key in {"user.id", "tenant.id"}} == facts
        assert found == [{}, facts]


def test_the_first_request_of_a_process_misses_nothing() -> None:
    with observed(lambda port: [BIN / "uvicorn", "late:asgi", "--port", str(port)], NOWHERE) as running:
        running.server.get("/")
        spans = {span.name: span.attributes.get("user.id") for span in running.collector.wait_for(4)}
        output = running.server.wait_for_output("step", 20)
    assert spans == {"GET": "7", "handler": None, "login": None, "query": "7"}
    (line,) = [line for line in output.splitlines() if "step" in line]
    assert told(line) == " user.id=7"


WANTED = {
    **NOWHERE,
    "PLATFORM_REQUEST_ID": "true",
    "PLATFORM_SPAN_ATTRIBUTES_FROM_HEADERS": "X-Tenant-ID, X-Plan=shop.plan, X-Odd",
    "PLATFORM_SPAN_ATTRIBUTES_FROM_BAGGAGE": "user_id,region=shop.region",
}


@pytest.fixture(scope="module", params=["uvicorn", "gthread", "hypercorn", "waitress"])
def wanting(request: pytest.FixtureRequest) -> Iterator[Observed]:
    """Run a server whose requests have ids and attributes by the settings."""
    with observed(SERVERS[request.param], {**WANTED, **LOGS}) as running:
        yield running


def asked(running: Observed, path: str, headers: Mapping[str, str] | None = None) -> tuple[Mapping[str, str], str, Any]:
    """Make a request; return the headers and the body of its answer and its span."""
    trace = f"{secrets.randbits(128):032x}"
    traced = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", **(headers or {})}
    _, body, answered = running.server.get(path, traced)
    spans = running.collector.wait_for(lambda spans: any(is_of(trace, span) for span in servers(spans)), 30)
    (span,) = [span for span in servers(spans) if is_of(trace, span)]
    return answered, body, span


def is_of(trace: str, span: Any) -> bool:
    """Say whether a span continues a trace, or is linked to it."""
    return trace in {span.trace_id, *(link.trace_id for link in span.links)}


def lines_of(running: Observed, span: Any) -> list[str]:
    """Return what a request's lines tell."""
    return [told(line) for line in running.server.stdout.splitlines() if span.trace_id in line and MARK.search(line)]


def records_of(running: Observed, span: Any, least: int) -> list[Any]:
    """Return the exported records of a request, once there are so many and one of them is an exception's, if it failed."""
    deadline = time.monotonic() + 30
    while True:
        records = [log for log in running.collector.logs if log.trace_id == span.trace_id]
        failed = span.status != "ERROR" or any("exception.type" in log.attributes for log in records)
        if len(records) >= least and failed:
            return records
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_well_formed_id_is_kept_everywhere(wanting: Observed) -> None:
    given = "Root=1-67891233-abc.def_0:1/2~3"
    answered, body, span = asked(wanting, "/?u1", {"X-Request-ID": given})
    assert (answered["x-request-id"], answered["x-own"], body) == (given, given, given)
    assert span.attributes["platform.request.id"] == given
    first, *rest = lines_of(wanting, span)
    assert first == f' request_id="{given}"'
    assert rest
    assert set(rest) == {f' user.id=u1 tenant.id=of-u1 request_id="{given}"'}
    below = [each for each in wanting.collector.spans if each.parent_id == span.span_id]
    assert not any("platform.request.id" in each.attributes for each in below)
    assert {log.attributes.get("platform.request.id") for log in records_of(wanting, span, 2)} == {given}


def test_without_one_a_new_one_is_made_and_the_application_sees_it(wanting: Observed) -> None:
    answered, body, span = asked(wanting, "/?u1")
    made = answered["x-request-id"]
    assert uuid.UUID(made).version == 7
    assert (body, answered["x-own"], span.attributes["platform.request.id"]) == (made, made, made)
    assert lines_of(wanting, span)[0] == f" request_id={made}"
    assert asked(wanting, "/?u1")[0]["x-request-id"] != made


HOSTILE = {
    "ten kilobytes": b"a" * 10_000,
    "one too long": b"a" * 129,
    "a space": b"a b",
    "a quote": b'a"b',
    "a tab": b"a\tb",
    "bytes": b"\xff\xfe\xe9",
    "utf-8": "ünï".encode(),
    "encoded": b"a%0d%0aSet-Cookie:x",
    "two values": b"a\r\nX-Request-ID: b",
    "control": b"a\x01b\x7f",
    "nothing": b"",
    "a comma": b"a,b",
    "markup": b"<script>",
    "an address": b"bob@example.com",
    "colours": b"\x1b[31mred",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_id_reaches_no_header_and_no_line(wanting: Observed, name: str) -> None:
    printed = len(wanting.server.stdout)
    request = b"GET /?u1 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nX-Request-ID: %b\r\n\r\n" % HOSTILE[name]
    head, _, body = wanting.raw(request).partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        assert head.split()[1] in {b"400", b"431"}  # the server's own answer to what is no header
        return
    (made,) = re.findall(rb"(?im)^x-request-id: (.*?)\r?$", head)
    assert uuid.UUID(made.decode()).version == 7
    assert body.endswith(made) or made in body  # chunked by gunicorn
    assert b"set-cookie" not in head.lower()
    output = wanting.server.stdout[printed:]
    assert {told(line) for line in output.splitlines() if "began" in line} == {f" request_id={made.decode()}"}
    if len(HOSTILE[name]) > 3:
        assert HOSTILE[name].decode("latin-1") not in output
        assert HOSTILE[name].decode("utf-8", "replace") not in output


def test_the_application_s_own_header_of_the_answer_stays(wanting: Observed) -> None:
    answered, _, span = asked(wanting, "/own?u1", {"X-Request-ID": "mine"})
    assert answered["x-request-id"] == "its own"
    assert span.attributes["platform.request.id"] == "mine"


def test_headers_and_baggage_become_attributes_of_span_and_lines(wanting: Observed) -> None:
    baggage = {"baggage": "user_id=7,region=eu%20west,other=1", "X-Tenant-ID": "acme", "X-Plan": "x" * 1000, "X-Odd": "b\xe9ta"}
    _, _, span = asked(wanting, "/", {**baggage, "X-Request-ID": "r1"})
    facts = {key: value for key, value in span.attributes.items() if key.startswith(("user.", "tenant.", "shop.", "odd"))}
    plan = facts.pop("shop.plan")
    assert len(plan) <= 256
    assert facts == {"user.id": "7", "tenant.id": "acme", "shop.region": "eu west", "odd": "béta"}
    (line, *_) = lines_of(wanting, span)
    assert " tenant.id=acme shop.plan=xxx" in line
    assert line.endswith(' odd="b\\u00e9ta" user.id=7 shop.region="eu west" request_id=r1')
    queries = [each for each in wanting.collector.spans if each.parent_id == span.span_id]
    assert {each.attributes["tenant.id"] for each in queries} == {"acme"}


def test_a_failing_request_s_lines_have_its_facts_to_the_end(wanting: Observed) -> None:
    _, _, span = asked(wanting, "/fails?u1", {"X-Request-ID": "r2"})
    output = wanting.server.wait_for_output("LookupError: u1", 20)
    reports = [line for line in output.splitlines() if span.trace_id in line and not MARK.search(line)]
    assert reports
    assert all(told(line).endswith("request_id=r2") for line in reports), reports
    records = records_of(wanting, span, 2)
    assert {log.attributes.get("platform.request.id") for log in records} == {"r2"}
    assert any("exception.type" in log.attributes for log in records)


@pytest.mark.parametrize("app", ["bridged:app", "unclaimed_starlette:app"])
def test_an_answer_has_one_id_below_a_bridge_and_by_a_framework_s_own_call(app: str) -> None:
    env = {**WANTED, "PLATFORM_DISABLED_INSTRUMENTATIONS": "" if app.startswith("bridged") else "uvicorn"}
    with observed(lambda port: [BIN / "uvicorn", app, "--port", str(port)], env) as running:
        with socket.create_connection(("127.0.0.1", running.server.port), 5) as connection:
            connection.sendall(b"GET /plain HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nX-Request-ID: r3\r\n\r\n")
            answered = b"".join(iter(lambda: connection.recv(65_536), b""))
        (span,) = servers(running.collector.wait_for(lambda spans: bool(servers(spans))))
    assert answered.lower().count(b"x-request-id: r3\r\n") == answered.lower().count(b"x-request-id") == 1
    assert span.attributes["platform.request.id"] == "r3"


@pytest.mark.parametrize("server", ["uvicorn", "gthread"])
def test_at_the_edge_no_caller_s_id_is_believed_and_another_header_carries_ours(server: str) -> None:
    env = {**WANTED, "PLATFORM_TRUST_INBOUND": "false", "PLATFORM_REQUEST_ID_HEADER": "X-Correlation-ID"}
    with observed(SERVERS[server], env) as running:
        answered, _, span = asked(running, "/", {"X-Correlation-ID": "mine", "X-Request-ID": "other", "baggage": "user_id=7"})
    assert uuid.UUID(answered["x-correlation-id"]).version == 7
    assert "x-request-id" not in answered
    assert span.attributes["platform.request.id"] == answered["x-correlation-id"]
    assert "user.id" not in span.attributes


@pytest.mark.parametrize("server", ["uvicorn", "gthread"])
def test_unasked_for_nothing_of_it_is_there(server: str) -> None:
    with observed(SERVERS[server], NOWHERE) as running:
        answered, body, span = asked(running, "/", {"X-Request-ID": "a b", "X-Tenant-ID": "acme", "baggage": "user_id=7"})
    assert "x-request-id" not in answered
    assert (answered["x-own"], body) == ("None", "a b")
    assert not {"platform.request.id", "tenant.id", "user.id"} & set(span.attributes)


@pytest.mark.parametrize("server", ["uvicorn", "gthread"])
def test_metrics_carry_the_attributes_that_are_listed_masked_and_no_others(server: str) -> None:
    env = {"PLATFORM_METRICS_ATTRIBUTES": "user.id,http.route,never.said", "OTEL_METRIC_EXPORT_INTERVAL": "300"}
    with observed(SERVERS[server], {**env, "OTEL_METRICS_EXPORTER": "otlp"}) as running:
        for user in ("u1", "u1", "bob@example.com", "ann@example.com", ""):
            running.get(f"/?{user}")
        running.server.terminate()
        for metric in ("duration", "response.body.size"):
            points = {}
            for point in running.collector.latest(f"http.server.{'request.' if metric == 'duration' else ''}{metric}"):
                points[point.attributes.get("user.id")] = point.count
                assert not {"tenant.id", "never.said"} & set(point.attributes)
            assert points == {"u1": 2, "[email]": 2, None: 1}


def test_the_example_of_the_documentation_prints_what_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "requests.md").read_text()
    (tmp_path / "shop.py").write_text(page.partition("```python\n")[2].partition("```")[0])
    expected = re.escape(page.partition("```text\n")[2].partition("\n")[0]).replace("…", "[0-9a-f]+")
    command = [BIN / "uvicorn", "--app-dir", tmp_path, "shop:app", "--lifespan", "off"]
    with observed(lambda port: [*command, "--port", str(port)], NOWHERE) as running:
        running.get("/")
        assert re.search(f"(?m)^{expected}$", running.server.wait_for_output("paid", 20))


@pytest.fixture
def identifying(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Have ids given in this process; return the spans that end."""
    from platform_instrument.telemetry import facts_shown, printed, tracer

    monkeypatch.setattr(tracer, "STARTED", None)
    for name in ("current_ids", "finished", "unsaid"):
        monkeypatch.setattr(printed, name, getattr(printed, name))
    monkeypatch.setattr(facts_shown._Shown, "by", None)
    with recording({"PLATFORM_REQUEST_ID": "true"}) as recorder:
        facts_shown.put_in_force()
        yield recorder._kept.kept


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(raw=st.binary(max_size=300))
@example(raw=b"a\r\nSet-Cookie: x=1")
@example(raw=b"a\x00b")
@example(raw=b"ok-1")
def test_whatever_a_server_lets_through_comes_no_further(identifying: list[Any], raw: bytes) -> None:
    sent: list[Any] = []

    async def application(scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": iter([(b"a", b"b")])})
        await send({"type": "http.response.body", "body": dict(scope["headers"])[b"x-request-id"]})

    async def server_send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"x-request-id", raw), (b"host", b"shop")]}
    asyncio.run(observe_asgi(application)(scope, receive, server_send))  # type: ignore[arg-type] # a coroutine
    headers, seen = list(sent[0]["headers"]), sent[1]["body"]
    made = dict(headers)[b"x-request-id"]
    assert len(headers) == 2
    assert re.fullmatch(rb"[A-Za-z0-9._~:/=-]{1,128}", made)
    assert made == seen == identifying[-1].own_attributes["platform.request.id"].encode()
    assert (made == raw) == bool(re.fullmatch(rb"[A-Za-z0-9._~:/=-]{1,128}", raw))


def test_an_application_s_list_of_headers_is_never_changed(identifying: list[Any]) -> None:
    headers = [("Content-Type", "text/plain")]
    started: list[Any] = []

    def application(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", headers)
        try:
            fail()
        except LookupError:
            start_response("500 Sorry", headers, sys.exc_info())
        return [b""]

    def fail() -> None:
        raise LookupError

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.url_scheme": "http", "HTTP_X_REQUEST_ID": "r1"}
    observe_wsgi(application)(environ, lambda *arguments: started.append(arguments))
    assert headers == [("Content-Type", "text/plain")]
    assert [each[:2] for each in started] == [(status, [*headers, ("X-Request-ID", "r1")]) for status in ("200 OK", "500 Sorry")]
    assert started[1][2][0] is LookupError
    assert len(identifying) == 1
