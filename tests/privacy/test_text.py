from __future__ import annotations

from typing import Any

import pytest

from platform_instrument.privacy.sql import known_sql
from platform_instrument.privacy.text import mask_attribute, mask_name
from tests.privacy.corpus import rows

SECRET = "hunter2X9"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV"


@pytest.mark.parametrize(
    ("key", "value", "masked"),
    [
        ("url.full", f"https://u:{SECRET}@h.com/p?q=1", "https://REDACTED:REDACTED@h.com/p?q=1"),
        ("url.full", f"https://h.com/p?q=1&sig={SECRET}", "https://h.com/p?q=1&sig=REDACTED"),
        ("url.query", f"code={SECRET}&page=2", "code=REDACTED&page=2"),
        ("http.target", f"/a?session={SECRET}&b=c", "/a?session=REDACTED&b=c"),
        ("http.request.header.authorization", [f"Bearer {SECRET}"], ["[secret]"]),
        ("http.request.header.x-api-key", SECRET, "[secret]"),
        ("http.request.header.accept", ["text/html"], ["text/html"]),
        ("app.password", SECRET, "[secret]"),
        ("db.statement", f"SELECT * FROM t WHERE a = '{SECRET}'", "SELECT * FROM t WHERE a = ?"),
        ("db.query.text", f"insert into t values ({SECRET!r})", "insert into t values (?)"),
        ("db.query.text", "SET user:12 ?", "SET user:12 ?"),
        ("message", f"password={SECRET}", "password=[secret]"),
        ("message", f"password: {SECRET}", "password: [secret]"),
        ("message", f'{{"password": "{SECRET}", "user": "bob"}}', '{"password": "[secret]", "user": "bob"}'),
        ("message", f"{{'token': '{SECRET}', 'n': 1}}", "{'token': '[secret]', 'n': 1}"),
        ("message", f"DB_PASSWORD={SECRET}", "DB_PASSWORD=[secret]"),
        ("message", f'clientSecret: "{SECRET} and more"', 'clientSecret: "[secret]"'),
        ("message", f"Server=x;User Id=sa;Password={SECRET};Encrypt=yes", "Server=x;User Id=sa;Password=[secret];Encrypt=yes"),
        ("message", f"AccountName=a;AccountKey={SECRET}==;", "AccountName=a;AccountKey=[secret];"),
        ("message", f"host=db password={SECRET} port=1", "host=db password=[secret] port=1"),
        ("message", f"run --password {SECRET} -v", "run --password [secret] -v"),
        ("message", f"Authorization: Bearer {SECRET}", "Authorization: [secret]"),
        ("message", f"sent bearer {SECRET} away", "sent bearer [secret] away"),
        ("message", f"Cookie: sid={SECRET}; a=b", "Cookie: [secret]"),
        ("message", f"redis://:{SECRET}@localhost:6379/0 is down", "redis://[credentials]@localhost:6379/0 is down"),
        ("message", f"bad {JWT}!", "bad [jwt]!"),
        ("message", "key AKIA" + "ABCDEFGH12345678 is old", "key [token] is old"),
        ("message", "ghp_" + "a1B2" * 9, "[token]"),
        ("message", "write to bob.smith@example.co.uk", "write to [email]"),
        ("message", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "[private_key]"),
        ("exception.message", f"DETAIL:  Key (email)=({SECRET}) already exists.", "DETAIL:  Key (email)=(?) already exists."),
        ("exception.message", f"Duplicate entry '{SECRET}' for key 'u'", "Duplicate entry '?' for key 'u'"),
        ("exception.message", f"[parameters: ('{SECRET}', 1)]\n(Background", "[parameters: ?]\n(Background"),
        ("exception.message", f"x\n[SQL: INSERT INTO t VALUES ('{SECRET}')]", "x\n[SQL: INSERT INTO t VALUES (?)]"),
        ("exception.message", f"LINE 1: SELECT '{SECRET}'\n        ^", "LINE 1: SELECT ?\n        ^"),
        ("messages", ["ok", f"token={SECRET}"], ["ok", "token=[secret]"]),
    ],
)  # fmt: skip
def test_secrets_become_masks_and_the_rest_stays(key: str, value: Any, masked: Any) -> None:
    assert mask_attribute(key, value) == masked
    assert mask_attribute(key, masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "authenticated ok",
        "GET /items/{id}",
        "Basic authentication failed",
        "Invalid token: unexpected EOF",
        "password: required",
        "password=None",
        "KeyError: 'token'",
        "session: closed",
        "max_tokens=100",
        "text/html; charset=utf-8",
        "2020-01-01T10:00:00Z",
        "https://github.com/@user/x",
        "http://localhost:8000/items/1",
        "npm pkg@1.2.3",
        "icon@2x.png",
        "550e8400-e29b-41d4-a716-446655440000",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        'File "/app/auth.py", line 3, in login\n    token = request.headers.get("x")',
        "secret: str = Field(...)",
        "WHERE token = %s",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert mask_attribute("message", text) == text


@pytest.mark.parametrize(
    "key", ["service.name", "k8s.pod.name", "host.name", "telemetry.sdk.name", "http.route", "code.file.path"]
)
def test_what_joins_need_is_exempt(key: str) -> None:
    assert mask_attribute(key, "bob@example.com token=abc123def") == "bob@example.com token=abc123def"


@pytest.mark.parametrize("key", ["client.address", "server.address", "network.peer.address"])
def test_addresses_are_exempt_and_what_stands_in_their_place_is_not(key: str) -> None:
    for address in ("10.0.0.7", "::1", "fe80::1%eth0", "[::1]", "shop.example.", "stock", "a_b.svc", "/run/pg.sock", "host:x"):
        assert mask_attribute(key, address) == address
    for text, masked in (("bob@example.com", "[email]"), (JWT, "[jwt]"), (f"a?token={SECRET}", "a?token=[secret]")):
        assert mask_attribute(key, text) == masked


def test_ids_stay_whole_unless_they_are_a_key_by_their_shape() -> None:
    assert mask_attribute("message.id", "bob@example.com") == "bob@example.com"
    assert mask_attribute("session.id", JWT) == "[jwt]"


@pytest.mark.parametrize("key", ["user.id", "enduser.id", "shop.tenant.id"])
def test_an_id_of_somebody_is_masked_where_it_is_an_address_and_whole_where_it_is_a_number(key: str) -> None:
    for text in ("bob@example.com", "[email]"):
        assert mask_attribute(key, text) == "[email]"
    assert mask_attribute(key, "+1 415 555 2671") == "[phone]"
    for whole in (
        "4539148803436467",
        4539148803436467,
        "7",
        "acme",
        "01932b2e-7e0a-7cc2-8f3e-2f6ad5a1b1cd",
        "auth0|5f7c8ec7c33c6c",
    ):
        assert mask_attribute(key, whole) == whole


@pytest.mark.parametrize(
    ("key", "value", "masked"),
    [
        ("user.phone", "4155552671", "[phone]"),
        ("payment.card_number", "4539148803436467", "[card]"),
        ("payment.card_number", 4539148803436467, "[card]"),
        ("customer_ssn", "536221234", "[us_ssn]"),
        ("cards", [4539148803436467, 7], ["[card]", 7]),
        ("app.pin", 4711, "[secret]"),
        ("app.passwords", 4711, 4711),
        ("app.error.code", 42, 42),
        ("app.error.code", "E42", "E42"),
        ("aws.s3.object.key", "plants/1.png", "plants/1.png"),
        ("ticket", 4711, 4711),
        ("app.api_key", 4711, "[secret]"),
        ("order.number", 4539148803436467, 4539148803436467),
        ("card.count", 3, 3),
        ("phone.model", "Pixel 9", "Pixel 9"),
    ],
)
def test_a_key_says_what_its_value_is(key: str, value: Any, masked: Any) -> None:
    assert mask_attribute(key, value) == masked
    assert mask_attribute(key, masked) == masked


def test_a_number_that_cannot_be_written_passes_where_no_secret_is_expected() -> None:
    assert mask_attribute("card", 1 << 20_000) == 1 << 20_000
    assert mask_attribute("password", 1 << 20_000) == "[secret]"


@pytest.mark.parametrize(
    ("key", "value", "masked"),
    [
        ("db.statement", f"DO $$ BEGIN PERFORM '{SECRET}'; END $$", "DO ?"),
        ("db.statement", f"PREPARE p AS SELECT '{SECRET}'", "PREPARE p AS SELECT ?"),
        ("db.statement", f'{{"find": "t", "filter": {{"a": "{SECRET}"}}}}', "{?: ?, ?: {?: ?}}"),
        ("db.statement.parameters", f"('{SECRET}',)", "[secret]"),
        ("db.query.parameter.name", SECRET, "[secret]"),
        ("db.user", "ada", "[secret]"),
        ("db.operation.parameter.0", 12, "[secret]"),
    ],
)
def test_what_other_instrumentations_say_of_a_statement_holds_no_value(key: str, value: Any, masked: str) -> None:
    assert mask_attribute(key, value) == masked
    assert mask_attribute(key, masked) == masked


@pytest.mark.parametrize(
    ("key", "value", "masked"),
    [
        ("url.full", "https://h.com/p?page=2&note=card+4539+1488+0343+6467&x=1", "https://h.com/p?page=2&note=[card]&x=1"),
        ("url.query", "note=card+4539+1488+0343+6467", "note=[card]"),
        ("url.query", f"filter=%7B%22password%22%3A%22{SECRET}%22%7D", "filter=[secret]"),
        ("url.query", "next=%2Fp%3Fto%3Dcall%2B%252B44%2B20%2B7946%2B0958", "next=[phone]"),
        ("url.query", "q=red+flowers%20and+1+%2B+2&page=2", "q=red+flowers%20and+1+%2B+2&page=2"),
        ("exception.message", "404 for url '/p?a=1&ssn=ssn+536-22-1234'", "404 for url '/p?a=1&ssn=[us_ssn]'"),
    ],
)
def test_what_a_parameter_says_once_it_is_decoded_counts(key: str, value: str, masked: str) -> None:
    assert mask_attribute(key, value) == masked
    assert mask_attribute(key, masked) == masked


def test_names_of_attributes_are_masked() -> None:
    assert mask_name("http.route") == "http.route"
    assert mask_name("visits of bob@example.com") == "visits of [email]"


def test_a_statement_of_ours_passes_the_door_unchanged() -> None:
    text = known_sql('SELECT "a" FROM "t" WHERE "b" = \'x\'', "postgresql").text
    assert text == 'SELECT "a" FROM "t" WHERE "b" = ?'
    assert mask_attribute("db.query.text", text) == text


@pytest.mark.parametrize("value", [True, 1.5, None, [1.5, False], (True,), b"x", object])
def test_what_is_no_text_and_no_whole_number_passes(value: Any) -> None:
    assert mask_attribute("password", value) in (value, [True])


def test_a_sequence_that_contains_itself_ends() -> None:
    endless: list[Any] = ["password=" + SECRET]
    endless.append(endless)
    assert SECRET not in repr(mask_attribute("x", endless))


def test_what_is_not_looked_at_does_not_leave() -> None:
    assert SECRET not in mask_attribute("x", "a=b " * 1_000_000 + f"password={SECRET}")


def test_log_lines_of_real_systems_stay() -> None:
    changed = [row["text"] for row in rows("clean_lines.jsonl")[::4] if mask_attribute("x", row["text"]) != row["text"]]
    assert [text for text in changed if "@" not in text] == []
    assert len(changed) <= 2
