"""A text that tells nothing holds nothing: what a first look lets through, no closer look would have found something in."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_instrument.privacy.clean_lines import KNOWN, look
from platform_instrument.privacy.database_messages import quotes_values
from platform_instrument.privacy.names import secrecy
from platform_instrument.privacy.secrets import named
from platform_instrument.privacy.triggers import NOWHERE, SUSPECT, TO_GIST, told_at
from tests.privacy.secret_rows import SECRETS
from tests.processes import run

WRITTEN = """
password passwd passwort passphrase passcode db_pass rootpass pwd pw psw psk wpa_psk pswd dbpwd contrasena contrasenya clave_secreta
mot_de_passe mdp kennwort kennung losungswort zugangscode senha palavra_passe parola wachtwoord losenord loesenord adgangskode
passord salasana haslo heslo jelszo sifre secreto secret secret_id secret_key_base api_key apikey access_key access_key_id
private_key encryption_key signing_key account_key shared_access_key license_key ssh_key hmac_key webhook_key session_key
auth_token access_token refresh_token id_token bearer_token csrf_token bot_token oauth_token private_token token
shared_access_signature csrfmiddlewaretoken otp totp otp_code otpcode pin cvv cvv2 cvc csc security_code verification_code mfa_code
2fa_code sms_code backup_code recovery_code one_time_code pin_code jwt sig credential credentials auth oauth session session_id
sid ssid csrf xsrf_value clave code_verifier assertion saml_response ticket salt hmac bearer authentication auth_code
sess_id signature signature_256 authorization proxy-authorization cookie set-cookie x-api-key
"""
NAMES = WRITTEN.split()
WRITINGS = ("{}", "my_{}", "{}_value", "{}2")
PIECES = st.sampled_from(
    [
        *NAMES,
        *(
            "=",
            ": ",
            " ",
            "'",
            '"',
            ",",
            "-",
            "--",
            " -p",
            " -u ",
            "'-p', ",
            "\n",
            "is ",
            "a7ZwY52g",
            "hunter2X",
            "bob:",
            "<",
            ">",
            "</",
        ),
        *("value", "[", "]", "(", ")", "mysql", "curl", "login ", "x", "S", "\\", "Basic ", "Bearer ", "keyboard", "order "),
    ]
)


def told(text: str) -> int:
    return told_at(text, text.encode().translate(TO_GIST))


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("name", NAMES)
def test_each_name_of_a_secret_tells(name: str, writing: str) -> None:
    text = writing.format(name)
    assert secrecy(name)
    for written in (text, text.upper(), text.title(), text.replace("_", "-"), text.replace("_", ""), f"a {text}=b"):
        if secrecy(written.rpartition(" ")[2].partition("=")[0]):
            assert SUSPECT.compiled().search(f"{written} ".lower()), written
            assert told(f"{written} ") != NOWHERE


@settings(max_examples=1_000, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_what_tells_nothing_holds_nothing_beside_a_name(text: str) -> None:
    found = list(named(text))
    first = told(text)
    assert list(named(text, max(first, 0))) == found
    if first == NOWHERE:
        assert not found


@pytest.mark.parametrize("row", [row for row in SECRETS.splitlines() if row.isascii()])
def test_no_writing_of_a_secret_is_let_through(row: str) -> None:
    text = row
    for place in ("{S}", "{B}", "{H}"):
        text = text.replace(place, "a7ZwY52gDib3BlbnNlc2FtZTEy")
    assert told(text) != NOWHERE or not list(named(text))


MESSAGES = (
    "Key (mail)=(x) already exists.", "Failing row contains (1, x).", "Command # 1 (SET k x) of pipeline caused error: y",
    "[SQL: SELECT 'x']", "[parameters: ('x',)]", "LINE 1: SELECT 'x'", "QUERY:  SELECT 'x'", 'JSON data, line 1: {"x', 'SQL statement "SELECT 1"',
    "unknown command 'FOO', with args beginning with: 'x', ", 'DETAIL:  Token "x" is invalid.', 'COPY t, line 1, column a: "x"',
    """syntax to use near 'x' at line 1""", 'syntax error at or near "x"', 'near "x": syntax error', 'near \\"x\\": syntax error',
    "Incorrect integer value: 'x' for column 'a'", 'invalid input syntax for type integer: "x"', 'invalid value "x" for "Day"',
    'invalid cidr value: "x"', "Duplicate entry 'x' for key 'a'", 'malformed array literal: "x"', 'field value out of range: "x"',
    "can't be set to the value of 'x'", "unknown subcommand 'x'. Try HELP", 'unrecognized token: "x"', 'Expected "a", but found "x".',
    "DOUBLE value is out of range in 'x'",
)  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_of_a_database_tells(message: str) -> None:
    assert quotes_values(message)
    assert told(message) != NOWHERE
    for before in ("2025-11-25 ERROR\n", "2025-11-25 ERROR\\n", "" if message.startswith("LINE ") else "2025-11-25 ERROR "):
        assert told(before + message) != NOWHERE


def test_a_shape_that_is_known_tells_nothing_either() -> None:
    KNOWN.clear()
    assert look("took 35 ms") is None
    assert look("took 99 ms") is None
    assert len(KNOWN) == 1


def test_what_wants_a_closer_look_is_loaded_with_the_first_text_that_does() -> None:
    program = (
        "import sys\nfrom platform_instrument.privacy import mask\n"
        "def loaded(): return [name for name in ('finding', 'secrets', 'cards', 'tokens') if 'platform_instrument.privacy.' + name in sys.modules]\n"
        "mask('order 17 accepted, took 35.7 ms'); print(loaded())\n"
        "mask('mail to bob@example.com'); print(loaded())\n"
        "mask('card 4111 1111 1111 1111'); print(loaded())\n"
    )
    done = run([sys.executable, "-c", program])
    assert done.stdout.splitlines() == ["[]", "['finding', 'secrets']", "['finding', 'secrets', 'cards']"]
