"""`platform-instrument audit`: what masking would hide in what was captured, where it is, and never the value."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.processes import BIN, Completed, environment, run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

COMMAND = BIN / "platform-instrument"

EMAIL, CARD, PASSWORD = "ada@example.org", "4111 1111 1111 1111", "hunter2X9"
SECRETS = (EMAIL, CARD, "1111", PASSWORD, "O'Hara", "Ohara")


def audited(*words: str | Path, returncode: int, env: dict[str, str] | None = None) -> Completed:
    """Run the command; whatever it says, no value is in it."""
    ended = run([COMMAND, "audit", *words], env=env)
    assert ended.returncode == returncode, ended.stdout + ended.stderr
    for secret in SECRETS:
        assert secret not in ended.stdout + ended.stderr
    return ended


def as_json(*words: str | Path, returncode: int = 1) -> Any:
    return json.loads(audited("--json", *words, returncode=returncode).stdout)


def piped(text: str | bytes, *words: str) -> tuple[int, str, str]:
    """Run the command with a text on its standard input."""
    data = text.encode() if isinstance(text, str) else text
    ended = subprocess.run(
        [COMMAND, "audit", *words, "-"], input=data, env=environment(), capture_output=True, check=False, timeout=30
    )
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def attribute(key: str, text: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": text}}


def traces(*attributes: dict[str, Any], **span: Any) -> dict[str, Any]:
    given = {"name": "GET", "attributes": list(attributes), **span}
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [given]}]}]}


SPAN = "resourceSpans[0].scopeSpans[0].spans[0]"


# --- text -------------------------------------------------------------------------------------------------------------


def test_lines_are_told_by_line_and_column_with_the_text_as_it_would_leave(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(f"started\nmail to {EMAIL}, card {CARD}\nüber password={PASSWORD}\n")
    ended = audited(log, returncode=1)
    assert ended.stderr == ""
    assert ended.stdout == (
        f"{log}:2:9: email: mail to [email], card [card]\n"
        f"{log}:2:31: card: mail to [email], card [card]\n"
        f"{log}:3:15: secret: über password=[secret]\n"
        "1 email, 1 card, 1 secret would be masked; 3 lines of text and 0 values of OTLP were read\n"
    )


def test_nothing_to_mask_ends_with_0(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("started\nGET /items/3 200 mail to [email] password=[secret]\n")
    ended = audited(log, returncode=0)
    assert ended.stdout == "nothing would be masked; 2 lines of text and 0 values of OTLP were read\n"
    assert as_json(log, returncode=0) == {"findings": [], "summary": {}, "read": {"lines": 2, "values": 0}, "problems": []}


def test_what_a_database_quotes_is_told_where_it_begins(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(f"no such: {CARD}. DETAIL:  Key (email)=({EMAIL}) already exists. password={PASSWORD}\n")
    found = as_json(log)["findings"]
    line = log.read_text()
    places = {finding["kind"]: finding["column"] - 1 for finding in found}
    assert places == {"sql": line.index(EMAIL), "card": line.index(CARD), "secret": line.index(PASSWORD)}
    assert len(found) == 3


def test_a_parameter_that_is_known_once_it_is_decoded_is_told(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_text("ada@example.org GET /?h=Bearer+a7ZwY52gDi9&x=1\n")
    ended = audited(file, returncode=1)
    assert ended.stdout.splitlines()[1:] == [
        f"{file}:1:1: secret: [email] GET /?h=[secret]&x=1",
        "1 email, 1 secret would be masked; 1 lines of text and 0 values of OTLP were read",
    ]


def test_log_lines_in_json_are_text(tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_text(json.dumps({"event": "login", "password": PASSWORD}) + "\n" + "{\n  'user': '" + EMAIL + "'\n}\n")
    found = as_json(log)
    assert [(finding["line"], finding["kind"]) for finding in found["findings"]] == [(1, "secret"), (3, "email")]
    assert found["read"] == {"lines": 4, "values": 0}


def test_what_is_found_far_into_a_long_line_is_told_by_its_column(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    line = "some words " * 40_000 + EMAIL + " end\n" + EMAIL
    log.write_text(line)
    found = as_json(log)
    assert [(finding["line"], finding["column"] - 1) for finding in found["findings"]] == [(1, 440_000), (2, 0)]
    assert all(len(finding["masked"]) < 200 for finding in found["findings"])
    assert found["read"]["lines"] == 2


def test_control_characters_and_any_bytes_are_printed_as_escapes(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"\x1b[31m\xff\xfe " + EMAIL.encode() + b"\r\n")
    ended = audited(log, returncode=1, env={"PYTHONIOENCODING": "ascii"})
    assert "\x1b" not in ended.stdout
    assert r"email: \x1b[31m" in ended.stdout
    assert ended.stdout.count("\n") == 2


def test_a_log_that_was_cut_under_its_writer_is_text(tmp_path: Path) -> None:
    """`copytruncate` leaves zeros where the lines were."""
    log = tmp_path / "app.log"
    log.write_bytes(b"\0" * 5_000 + b"mail to " + EMAIL.encode() + b"\n")
    assert as_json(log)["summary"] == {"email": 1}


def test_each_of_many_finds_is_shown_with_what_is_around_it(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(" ".join(f"<{number:04}> {'a' * 60}@example.org {'words ' * 40}" for number in range(50)))
    found = as_json(log)["findings"]
    assert [finding["masked"].partition("> [email]")[0][-4:] for finding in found] == [f"{number:04}" for number in range(50)]


def test_the_settings_of_the_environment_hold(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(f"{EMAIL} from 203.0.113.9 for order-77-x\n")
    env = {"PLATFORM_MASK": "email=hash,ip=mask", "PLATFORM_MASK_KEY": "k", "PLATFORM_MASK_PATTERNS": "order-[0-9]{1,9}-x"}
    ended = audited(log, returncode=1, env=env)
    label, rest = ended.stdout.splitlines()[0].partition(": email: ")[2].split(" ", 1)
    assert (len(label), label[:7], rest) == (len("[email:]") + 12, "[email:", "from [ip] for [custom]")
    assert ended.stdout.splitlines()[-1].startswith("1 email, 1 ip, 1 custom would be masked")
    log.write_text(f"{EMAIL}\n")
    audited(log, returncode=0, env={"PLATFORM_MASK": "email=off"})
    wrong = audited(log, returncode=1, env={"PLATFORM_MASK": "emial=off"})
    assert wrong.stderr.startswith("platform-instrument: PLATFORM_MASK=")


# --- OTLP -------------------------------------------------------------------------------------------------------------


def test_attributes_are_masked_by_their_keys(tmp_path: Path) -> None:
    captured = tmp_path / "traces.json"
    captured.write_text(
        json.dumps(
            traces(
                attribute("http.request.header.authorization", PASSWORD),
                attribute("url.full", f"https://ada:{PASSWORD}@shop.example/?token={PASSWORD}"),
                attribute("service.name", "a@service.example"),
                attribute("user.note", f"write to {EMAIL} or {EMAIL}"),
            )
        )
    )
    ended = audited(captured, returncode=1)
    assert ended.stdout == (
        f"{captured}:1: {SPAN}.attributes[0].value.stringValue: secret: http.request.header.authorization: [secret]\n"
        f"{captured}:1: {SPAN}.attributes[1].value.stringValue: credentials: "
        "url.full: https://REDACTED:REDACTED@shop.example/?token=REDACTED\n"
        f"{captured}:1: {SPAN}.attributes[1].value.stringValue: secret: "
        "url.full: https://REDACTED:REDACTED@shop.example/?token=REDACTED\n"
        f"{captured}:1: {SPAN}.attributes[3].value.stringValue: email (2 times): user.note: write to [email] or [email]\n"
        "2 secret, 2 email, 1 credentials would be masked; 0 lines of text and 5 values of OTLP were read\n"
    )


@pytest.mark.parametrize(
    ("document", "path", "kind", "key"),
    [
        (traces(name=f"send {EMAIL}"), f"{SPAN}.name", "email", "span.name"),
        (traces(status={"message": f"no {CARD}"}), f"{SPAN}.status.message", "card", "status.message"),
        (traces(events=[{"name": EMAIL}]), f"{SPAN}.events[0].name", "email", "event.name"),
        (
            traces(events=[{"name": "exception", "attributes": [attribute("exception.message", f"password={PASSWORD}")]}]),
            f"{SPAN}.events[0].attributes[0].value.stringValue",
            "secret",
            "exception.message",
        ),
        (
            traces(links=[{"attributes": [attribute("note", EMAIL)]}]),
            f"{SPAN}.links[0].attributes[0].value.stringValue",
            "email",
            "note",
        ),
        (
            traces({"key": "to", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {"stringValue": EMAIL}]}}}),
            f"{SPAN}.attributes[0].value.arrayValue.values[1].stringValue",
            "email",
            "to",
        ),
        (
            traces({"key": "user", "value": {"kvlistValue": {"values": [attribute("password", PASSWORD)]}}}),
            f"{SPAN}.attributes[0].value.kvlistValue.values[0].value.stringValue",
            "secret",
            "password",
        ),
        (
            traces({"key": "credentials", "value": {"kvlistValue": {"values": [attribute("left", "plain")]}}}),
            f"{SPAN}.attributes[0].value.kvlistValue.values[0].value.stringValue",
            "secret",
            "credentials",
        ),
        (
            {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": f"for {EMAIL}"}}]}]}]},
            "resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue",
            "email",
            "body",
        ),
        (
            {
                "resourceMetrics": [
                    {"scopeMetrics": [{"metrics": [{"name": "a", "sum": {"dataPoints": [{"attributes": [attribute("to", EMAIL)]}]}}]}]}
                ]
            },
            "resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints[0].attributes[0].value.stringValue",
            "email",
            "to",
        ),
        (traces(attribute("db.query.text", "SELECT * FROM t WHERE a = 'Ohara'")), f"{SPAN}.attributes[0].value.stringValue", "sql", "db.query.text"),
    ],
)  # fmt: skip
def test_every_text_of_a_document_is_looked_at(tmp_path: Path, document: Any, path: str, kind: str, key: str) -> None:
    captured = tmp_path / "captured.json"
    captured.write_text(json.dumps(document))
    (finding,) = as_json(captured)["findings"]
    assert (finding["path"], finding["kind"], finding["key"]) == (path, kind, key)


def test_names_in_double_quotes_are_no_literals_where_the_database_is_named(tmp_path: Path) -> None:
    captured = tmp_path / "traces.json"
    statement = attribute("db.query.text", 'SELECT "a" FROM "t" WHERE "b" = ?')
    captured.write_text(json.dumps(traces(attribute("db.system.name", "postgresql"), statement)))
    audited(captured, returncode=0)
    captured.write_text(json.dumps(traces(attribute("db.system.name", "mysql"), statement)))
    assert as_json(captured)["summary"] == {"sql": 1}


def test_documents_may_be_one_a_line_or_spread_over_lines_with_lines_of_text_between(tmp_path: Path) -> None:
    captured = tmp_path / "captured.jsonl"
    document = json.dumps(traces(name=EMAIL))
    captured.write_text(f"{document}\nmail to {EMAIL}\n{document}\n")
    found = as_json(captured)
    assert [(finding["line"], finding["path"]) for finding in found["findings"]] == [
        (1, f"{SPAN}.name"),
        (2, ""),
        (3, f"{SPAN}.name"),
    ]
    spread = json.dumps(traces(name=EMAIL), indent=2)
    captured.write_text(f"{spread}\n{spread}\n")
    lines = [finding["line"] for finding in as_json(captured)["findings"]]
    assert lines == [1, spread.count("\n") + 2]
    captured.write_text(json.dumps([traces(name=EMAIL)]))
    assert as_json(captured)["findings"][0]["path"] == f"[0].{SPAN}.name"


def test_a_long_document_in_a_line_is_read_whole(tmp_path: Path) -> None:
    captured = tmp_path / "captured.jsonl"
    document = traces(*[attribute("note", "plain words " * 100)] * 500, attribute("note", EMAIL))
    captured.write_text(f"{json.dumps(document)}\n{json.dumps(traces(name=EMAIL))}\n")
    assert captured.stat().st_size > 500_000
    found = as_json(captured)
    assert [(finding["line"], finding["path"]) for finding in found["findings"]] == [
        (1, f"{SPAN}.attributes[500].value.stringValue"),
        (2, f"{SPAN}.name"),
    ]


def test_a_document_of_any_shape_is_no_error(tmp_path: Path) -> None:
    captured = tmp_path / "captured.jsonl"
    odd: list[Any] = [
        None, 7, [], {"value": 1}, {"key": 1, "value": {}}, {"key": "a", "value": None}, {"key": "a", "value": [[]]},
        {"key": "a", "value": {"arrayValue": 1}}, {"key": "a", "value": {"kvlistValue": {"values": [1, {}, {"key": 3}]}}},
        {"key": "db.system", "value": 3}, {"key": "db.system", "value": {"stringValue": 3}},
    ]  # fmt: skip
    captured.write_text(json.dumps({"resourceSpans": odd}) + "\n" + json.dumps(traces(*odd, name=EMAIL)) + "\n")
    assert as_json(captured)["summary"] == {"email": 1}


def test_what_a_service_has_sent_is_clean(tmp_path: Path, collector: Collector) -> None:
    """The proof that a team wants: run, capture, audit."""
    program = (
        "import sqlite3; from opentelemetry import trace\n"
        f"span = trace.get_tracer('t').start_span('send {EMAIL}')\n"
        f"span.set_attribute('note', '{EMAIL} {CARD}'); span.set_attribute('password', '{PASSWORD}'); span.end()\n"
        "sqlite3.connect(':memory:').execute(\"select 'Ohara'\")\n"
    )
    run([COMMAND, sys.executable, "-c", program], collector=collector)
    collector.wait_for(2)
    captured = tmp_path / "sent.jsonl"
    with captured.open("w") as file:
        for request in collector.requests:
            message = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}[request.path]
            file.write(json.dumps(MessageToDict(message.FromString(request.body))) + "\n")
    found = as_json(captured, returncode=0)
    assert found["read"]["values"] > 10


# --- files ------------------------------------------------------------------------------------------------------------


def test_standard_input_is_read_by_a_dash() -> None:
    returncode, out, err = piped(f"mail to {EMAIL}\n")
    assert (returncode, out, err) == (
        1,
        "-:1:9: email: mail to [email]\n1 email would be masked; 1 lines of text and 0 values of OTLP were read\n",
        "",
    )
    assert piped("")[0] == 0


def test_standard_input_that_is_closed_is_said() -> None:
    ended = run(["sh", "-c", f"{COMMAND} audit - <&-"])
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "platform-instrument: standard input: is closed; pipe something into it, or name a file\n"


@pytest.mark.parametrize("name", ["app.log.gz", "traces.json.gz"])
def test_compressed_files_are_read(tmp_path: Path, name: str) -> None:
    text = json.dumps(traces(name=EMAIL)) if "json" in name else f"mail to {EMAIL}\n"
    (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    assert as_json(tmp_path / name)["summary"] == {"email": 1}
    assert piped(gzip.compress(text.encode()))[0] == 1


def test_files_are_closed_in_order(tmp_path: Path) -> None:
    """Where warnings are errors, a file that is left to the garbage collector is said on standard error."""
    (tmp_path / "app.log").write_text(EMAIL)
    (tmp_path / "app.log.gz").write_bytes(gzip.compress(EMAIL.encode()))
    ended = audited(tmp_path / "app.log", tmp_path / "app.log.gz", "-", returncode=1, env={"PYTHONWARNINGS": "error"})
    assert ended.stderr == ""


def test_several_files_are_told_apart(tmp_path: Path) -> None:
    names = [tmp_path / "a.log", tmp_path / "b.log"]
    for name in names:
        name.write_text(EMAIL)
    found = as_json(*names)
    assert [finding["file"] for finding in found["findings"]] == [str(name) for name in names]
    assert found["summary"] == {"email": 2}


def problem(*words: str | Path) -> str:
    """Return what is said of what cannot be read."""
    ended = audited(*words, returncode=2)
    assert [json.loads(audited("--json", *words, returncode=2).stdout)["problems"][0]["file"]] == [str(words[0])]
    (line,) = ended.stderr.splitlines()
    return line.removeprefix(f"platform-instrument: {words[0]}:")


def test_what_cannot_be_read_is_said_with_the_remedy(tmp_path: Path) -> None:
    remedy = "; name a file that can be read, or - for standard input"
    assert problem(tmp_path / "none") == f" No such file or directory{remedy}"
    assert problem(tmp_path) == f" Is a directory{remedy}"
    as_json_instead = "write it as JSON: `format: json` in the collector's file exporter, without compression"
    for content in (
        ExportTraceServiceRequest().SerializeToString() + b"\x0a\x03\x00ab",
        b"\x28\xb5\x2f\xfdabc",
        "a".encode("utf-16"),
    ):
        (tmp_path / "odd").write_bytes(content)
        assert problem(tmp_path / "odd") == f" is neither text nor OTLP JSON; {as_json_instead}"
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"a line\n" * 1_000)[:-12])
    assert problem(tmp_path / "cut.gz") == " is damaged, or not whole; compress it again"


def test_a_document_that_is_not_whole_is_said_and_the_others_are_read(tmp_path: Path) -> None:
    """The last line of a file that is being written, or one that a full disk has cut."""
    captured = tmp_path / "captured.jsonl"
    document = json.dumps(traces(name=EMAIL))
    captured.write_text(f"{document}\n{document[:-9]}\n{document}\n{document[:-9]}")
    ended = audited(captured, returncode=2)
    assert [line.partition(":")[0] for line in ended.stdout.replace(str(captured), "").splitlines()[:-1]] == ["", ""]
    whole = "is not a whole JSON document; let what writes it end first, or leave the line out"
    assert ended.stderr == "".join(f"platform-instrument: {captured}:{line}: {whole}\n" for line in (2, 4))


def test_a_document_spread_over_lines_that_is_not_whole_is_said(tmp_path: Path) -> None:
    captured = tmp_path / "captured.json"
    captured.write_text(json.dumps(traces(name=EMAIL), indent=1)[:-8])
    assert problem(captured).startswith("1: is not a whole JSON document; ")
    captured.write_text('{"resourceSpans": ' + "[" * 100_000 + "]" * 100_000 + "}")
    assert problem(captured).startswith("1: is not a whole JSON document; ")


PEAK = """
from platform_instrument.cli.main import main
main()
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
"""`ru_maxrss` would count what the process was before it became this program: a test runner with all that it holds."""


def peak(path: Path) -> int:
    """Return the peak memory of an audit in KiB."""
    ended = run([sys.executable, "-c", PEAK, "audit", path], timeout=100)
    return int(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize("kind", ["lines", "one line", "documents"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str) -> None:
    piece = {"lines": ("GET /items/3 200 " * 31 + "\n") * 2, "one line": "GET /items/3 200 " * 64}.get(kind) or (
        json.dumps(traces(attribute("note", "plain words " * 80))) + "\n"
    )
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_text(piece * 1_000)
    with large.open("w") as file:
        for _ in range(40):
            file.write(piece * 1_000)
    assert large.stat().st_size > 40_000_000
    assert peak(large) - peak(small) < 4_096


def test_one_huge_document_is_refused_and_not_held(tmp_path: Path) -> None:
    document = json.dumps(traces(*[attribute("note", "plain words " * 80)] * 36_000))
    for name, text in {"one-line": document, "spread": document.replace(": [", ":\n[")}.items():
        (tmp_path / name).write_text(text)
        said = problem(tmp_path / name)
        assert said.startswith("1: is one document of more than 32 MiB; write it with smaller batches, or split it: jq -c ")
        assert peak(tmp_path / name) < 200_000


def test_help_and_wrong_words() -> None:
    ended = run([COMMAND, "audit", "--help"])
    assert (ended.returncode, ended.stdout.partition("\n")[0]) == (0, "usage: platform-instrument audit [--json] FILE ...")
    for words in ([], ["--json"], ["--text", "x"], ["x", "--json"]):
        ended = run([COMMAND, "audit", *words])
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith("usage: platform-instrument audit ")


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text(f"mail to {EMAIL}\n" * 20_000)
    done = run(["sh", "-c", f"{COMMAND} audit {tmp_path}/app.log | head -1"])
    assert (done.stdout, done.stderr) == (f"{tmp_path}/app.log:1:9: email: mail to [email]\n", "")


def test_a_file_with_the_name_of_an_option(tmp_path: Path) -> None:
    (tmp_path / "--json").write_text(EMAIL)
    ended = run([COMMAND, "audit", "--", "--json"], cwd=tmp_path)
    assert (ended.returncode, ended.stdout.partition(" ")[0]) == (1, "--json:1:1:")
