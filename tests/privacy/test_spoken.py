"""Secrets that a sentence or a command gives, with no sign between them and their names: that much is hidden, and no more."""

from __future__ import annotations

import json

import pytest

from platform_instrument.privacy import mask
from platform_instrument.privacy.triggers import may_hold_options
from tests.privacy.linear import assert_linear


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("your code is 482913", "your code is [secret]"),
        ("Your verification code is 482913.", "Your verification code is [secret]."),
        ("G-482913 is your Google verification code", "[secret] is your Google verification code"),
        ("482 913 is your login code", "[secret] is your login code"),
        ("Use code 482913 to log in", "Use code [secret] to log in"),
        ("login code: 482913", "login code: [secret]"),
        ("2FA code: 482913", "2FA code: [secret]"),
        ("OTP 482913", "OTP [secret]"),
        ("one-time password 482913", "one-time password [secret]"),
        ("Your one-time passcode is 482 913", "Your one-time passcode is [secret]"),
        ("confirmation code 482913 sent", "confirmation code [secret] sent"),
        ("Ihr Code lautet 482913", "Ihr Code lautet [secret]"),
        ("the token a1B2c3D4e5F6 is invalid", "the token [secret] is invalid"),
        ("password hunter2X9k rejected", "password [secret] rejected"),
        ("password is 'sesame'", "password is '[secret]'"),
        ("Your password is: sesame", "Your password is: [secret]"),
        ("pass phrase: sesame and more", "pass phrase: [secret] and more"),
        ("redis-cli -p 6379 -a 'two words' ping", "redis-cli -p 6379 -a '[secret]' ping"),
        ("mysql -u root -psesame db", "mysql -u root -p[secret] db"),
        ("curl -u bob:sesame https://h/x", "curl -u bob:[secret] https://h/x"),
        ("unzip -P sesame a.zip -d /tmp", "unzip -P [secret] a.zip -d /tmp"),
        ("['sqlcmd', '-S', 'h', '-P', 'sesame']", "['sqlcmd', '-S', 'h', '-P', '[secret]']"),
    ],
)
def test_what_a_sentence_or_a_command_gives_is_hidden(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


def test_one_command_gives_nothing_to_another() -> None:
    assert mask("mysql -u root\nmkdir -psesame") == "mysql -u root\nmkdir -psesame"
    assert mask("redis-cli ping " + "x " * 200 + "-a sesame") == "redis-cli ping " + "x " * 200 + "-a sesame"
    assert not may_hold_options("tar -czf a.tar.gz b")


@pytest.mark.parametrize(
    "document",
    [
        {"Authorization": 123, "n": 1},
        {"n": 1, "Authorization": 123},
        {"n": [{"Cookie": 5551234}]},
        {"password": ["sesame x7", "b"]},
        {"passwords": ["a7x9q2Z", "b7x9q2Z"], "n": 1},
        {"password": {"value": "a7x9q2Z"}, "pin": 4821},
    ],
)
def test_json_stays_json(document: object) -> None:
    for written in (json.dumps(document), json.dumps(document, separators=(",", ":")), json.dumps(document, indent=2)):
        masked = mask(written)
        assert masked != written
        assert "[secret]" in masked
        assert json.loads(masked).keys() == json.loads(written).keys()
        assert mask(masked) == masked


def test_the_last_line_of_a_document_that_is_written_in_lines() -> None:
    assert mask('  "Authorization": 123') == '  "Authorization": "[secret]"'


UNITS = (
    *("your code ", "is your code ", "1234 is your ", "password is ", "password | ", "password:\n", "password for a b ", "mysql -p", "a1B2c3D4 "),
    *("redis-cli -a ", "-a x", "' -p'", "login a password ", "token 'a", "</td><td>", "password</b>", '{"passwords": ["', "pass phrase "),
    *("\x1b[36m", "password\x1b[0m", "-U a%", "-u a:", "password: |\n", "code ", "[secret]", "password [secret] "),
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_sentences_and_commands_take_time_in_proportion_to_length(unit: str) -> None:
    assert_linear(mask, unit)
