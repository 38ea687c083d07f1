from __future__ import annotations

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_instrument.privacy import find, mask
from platform_instrument.privacy.names import is_secret_name
from tests.privacy.corpus import rows
from tests.privacy.harmless_rows import HARMLESS
from tests.privacy.linear import assert_linear
from tests.privacy.secret_rows import SECRETS
from tests.privacy.test_tokens import survives

ALPHABETS = {
    "{S}": (string.ascii_letters + string.digits + "!*+^~", 11),
    "{B}": (string.ascii_letters + string.digits + "+/", 40),
    "{H}": ("0123456789abcdef", 32),
}


def lines(block: str) -> list[str]:
    return [line.replace("␍", "\r").replace("␤", "\n") for line in block.strip("\n").split("\n")]


def made(kind: str, seed: int) -> str:
    chance = random.Random(f"{kind}{seed}")  # noqa: S311 - the same in every run
    letters, length = ALPHABETS[kind]
    return "a7Z" + "".join(chance.choices(letters, k=length - 3))


def written(row: str, seed: int) -> tuple[str, list[str]]:
    values = {kind: made(kind, seed) for kind in ALPHABETS if kind in row}
    for kind, value in values.items():
        row = row.replace(kind, value)
    return row, list(values.values())


def test_secrets_known_by_what_stands_beside_them_are_hidden() -> None:
    left = []
    for row in lines(SECRETS):
        for seed in range(4):
            text, values = written(row, seed)
            masked = mask(text)
            left += [(text, masked) for value in values if survives(value, masked)]
            assert mask(masked) == masked
    assert left == []


NAMES = (
    *("password", "passwd", "DB_PASSWORD", "userPassword", "api_key", "apiKey", "X-Api-Key", "client-secret", "clientSecret", "SECRET_KEY"),
    *("aws_secret_access_key", "accessToken", "refresh_token", "AUTH_TOKEN", "private_key", "privateKey", "webhook_secret", "passphrase"),
    *("github_token", "session_token", "license_key", "consumer_key", "smtp_pass", "masterKey", "contraseña", "Kennwort", "mot_de_passe"),
)  # fmt: skip
FORMS = (
    *("{n} = {v}", "{n}={v}", "{n}: {v}", '{n}: "{v}"', "{n} = '{v}'", '"{n}": "{v}"', "'{n}': '{v}'", "export {n}={v}", "--{n}={v}"),
    *("--{n} {v}", "{n} => '{v}'", "?{n}={v}&a=b", "{n}: {v}\r\nHost: x", r"{{\"{n}\": \"{v}\"}}", "Config(host='h', {n}='{v}')"),
    *("<{n}>{v}</{n}>", 'os.environ["{n}"] = "{v}"', "- {n}: {v}", "[{n}={v}]", "{{{n}={v}, x=1}}", "-D{n}={v}", "{n} is {v}"),
    *("2025-01-01 INFO cfg {n}={v} port=80", "- name: {n}\n  value: {v}", '{{"name": "{n}", "value": "{v}"}}', "('{n}', '{v}')"),
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_name_says_it_in_every_form(form: str) -> None:
    for name in NAMES:
        for kind in ALPHABETS:
            value = made(kind, 7)
            assert not survives(value, mask(form.format(n=name, v=value))), name


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("otp=482913 ok", "otp=[secret] ok"),
        ("pin: 4821, user: 7", "pin: [secret], user: 7"),
        ("cvv=123;", "cvv=[secret];"),
        ("Your OTP is 482913.", "Your OTP is [secret]."),
        ("password=correcthorse now", "password=[secret] now"),
        ('"password": "two words 7", "n": 1', '"password": "[secret]", "n": 1'),
        ("password=p@$$w0rd!x9 port=1", "password=[secret] port=1"),
        ("password: Tr0ub4dor&3x", "password: [secret]"),
        ("(password=abc123, n=1)", "(password=[secret], n=1)"),
        ("Authorization: Basic dXNlcjpwYXNz\nHost: x", "Authorization: [secret]\nHost: x"),
        ("curl -H 'Authorization: Bearer abc' https://h.io/x", "curl -H 'Authorization: [secret]' https://h.io/x"),
        ("headers={'Authorization': 'Bearer abc', 'n': 1}", "headers={'Authorization': '[secret]', 'n': 1}"),
        ("Set-Cookie: sid=1; Path=/", "Set-Cookie: [secret]"),
        ("docker login -u bob -p abc reg.io", "docker login -u bob -p [secret] reg.io"),
        ("HEROKU_API_KEY=550e8400-e29b-41d4-a716-446655440000", "HEROKU_API_KEY=[secret]"),
        ('{"auth": "dXNlcjpwYXNz"}', '{"auth": "[secret]"}'),
        ('Proxy-Authorization: Digest username="a", response="9f86d081"', "Proxy-Authorization: [secret]"),
        ("\x1b[36mpassword\x1b[0m=\x1b[35mhunter2X9\x1b[0m", "\x1b[36mpassword\x1b[0m=\x1b[35m[secret]\x1b[0m"),
        ("paid \x1b[36mtoken\x1b[0m=\x1b[35mab12CD34ef56\x1b[0m n=3", "paid \x1b[36mtoken\x1b[0m=\x1b[35m[secret]\x1b[0m n=3"),
        ("\x1b[36mAuthorization\x1b[0m: \x1b[35mBearer abc123XYZ\x1b[0m ok", "\x1b[36mAuthorization\x1b[0m: \x1b[35m[secret]\x1b[0m ok"),
        ('{"Authorization": 4155550132, "n": 1}', '{"Authorization": "[secret]", "n": 1}'),
        ('{"Authorization": "\\u00e9abc123", "n": 1}', '{"Authorization": "[secret]", "n": 1}'),
        ('{"authorization": "\\"abc\\" x1", "n": 1}', '{"authorization": "[secret]", "n": 1}'),
        ('{"Authorization": "", "n": 1}', '{"Authorization": "", "n": 1}'),
    ],
)  # fmt: skip
def test_no_more_than_the_value_is_hidden(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("text", lines(HARMLESS))
def test_what_only_sounds_like_a_secret_stays(text: str) -> None:
    assert mask(text) == text


def test_log_lines_of_real_systems_hold_no_secret() -> None:
    kinds = {"secret", "token", "jwt", "private_key"}
    alarms = [row["text"] for row in rows("clean_lines.jsonl") if kinds & {found.kind for found in find(row["text"])}]
    assert alarms == []


@pytest.mark.parametrize(
    "name",
    [
        *("password", "X-Amz-Signature", "user[token]", "apiKey", "access_key_id", "JSESSIONID", "client-key-data", "ASP.NET_SessionId"),
        *("key", "code", "sig", "MYSQL_PWD", "new_password", "password2", "samlResponse", "csrfmiddlewaretoken", "api%5Fkey", "AccountKey"),
        *("SharedAccessSignature", "_authToken", "connect.sid", "x-goog-api-key", "storePassword", "mot_de_passe", "пароль", "密码"),
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("primary_key", "max_tokens", "token_type", "password_length", "cache_key", "next_page_token", "author", "keyboard", "status_code"),
        *("session_count", "secretary", "compass", "bypass", "monkey", "public_key", "session_timeout", "grant_type", "pinned", "design"),
        *("", "[", "]", "_", "%", "%ff", "[token]", "x" * 10_000),
    ],
)  # fmt: skip
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


UNITS = (
    *("password=", 'password: "', 'password="\\', "password='a' ", "token ", '"token": ', "authorization: ", 'authorization:"', "bearer ", "u"),
    *("basic a", "-u a:", "secret is ", "password '", "-p ", "login password ", "secret,", "'secret',", "secret value", "secret\t \n", "_"),
    *("auth=('a','", "password<", "password a>b</", "user[password]", "password[", "password=a&", "cookie: a\n", r"\"password\":\"", "[secret]"),
    *("k", "key", "p", "c", "s", "пароль", "pass", "name: password\n", "password_", "-password ", "name=", "password =", "setx token ", "bearer"),
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_looking_for_secrets_takes_time_in_proportion_to_length(unit: str) -> None:
    assert_linear(mask, unit)


DENSE = (
    *("password", "token", "api_key", "Authorization", "Cookie", "-u ", "--user ", "-p ", "bearer ", "basic ", "login ", "auth"),
    *("name=", "value=", "'", '"', '\\"', "&quot;", "%22", "%3D", "=", ":", " ", "\n", "\\n", ",", ";", "(", ")", "[", "]", "{", "}"),
    *("<", ">", "/", "-", "_", "&", "?", "@", "://", "hunter2X9", "a1b2c3", "the", "is", "4821", "[secret]", "$x", "é", "contraseña"),
    *("\r\n", "->", "=>", ": str = ", "None", "b'", "SecretStr(", "</a>", "=('", "pin", "\ud800", "\\", "%40", "&#64;", "\\u0040", "| "),
    *("bob@example.com", "4539 1488 0343 6467", "DE89 3704 0044 0532 0130 00", "+49 30 1234567", "202-555-0143", "536-22-1234"),
    *("card ", "phone ", "iban ", "ssn ", "[email]", "[card]", "[phone:123456789012]", "+", " is your code", "your code ", "code "),
    *("-a ", "redis-cli ", "mysql -p", " (value: ", "ghp_" + "Zq7aB2cD3eF4" * 3, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    *("a", "1", "0", "12", "x1", "\x1b[31m", "\x1b[0m", ".", "  ", "Key (a)=(", ") already exists", 'near "', "[SQL: ", "SELECT "),
    *(f"-----BEGIN {'PRIVATE'} KEY-----", f"-----END {'PRIVATE'} KEY-----"),
)  # fmt: skip
PIECES = st.lists(st.sampled_from(DENSE), max_size=14).map("".join)


def test_what_is_masked_stays_as_it_is_however_dense_it_is() -> None:
    chance = random.Random(7)  # noqa: S311 - the same in every run
    left = []
    for _ in range(6_000):
        text = "".join(chance.choices(DENSE, k=chance.randint(2, 14)))
        masked = mask(text)
        left += [text] if mask(masked) != masked else []
    assert left == []


@pytest.mark.parametrize(
    "text",
    [
        f"-----END {'PRIVATE'} KEY-----202-555-0143",
        "api_key_eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl%3Da1b2c3",
        "+49 30 1234567  202-555-0143",
        "+49 30 1234567 4539 1488 0343 6467",
        "202-555-0143.4539 1488 0343 6467",
        "card name=202-555-0143=04539 1488 0343 6467",
        "'--user 4539 1488 0343 6467:4821Authorization",
        "://+49 30 1234567\x1b[0m@",
        "password&quot;bob@example.com=>'-a ",
        f'card ghp_{"Zq7aB2cD3eF4" * 3}"48214539 1488 0343 6467',
        "your code -u +49 30 1234567[phone:123456789012]",
        "None+49 30 1234567 is your code=>4539 1488 0343 6467",
        "-api_key (value: [secret]",
    ],
)
def test_what_a_value_hides_is_found_at_once(text: str) -> None:
    masked = mask(text)
    assert masked == mask(masked)


@settings(max_examples=500, deadline=None)
@given(PIECES | st.text(st.characters(codec=None, exclude_categories=()), max_size=200))
def test_what_is_masked_stays_as_it_is(text: str) -> None:
    masked = mask(text)
    assert mask(masked) == masked
