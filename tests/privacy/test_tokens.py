from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_instrument.privacy import find, mask
from platform_instrument.privacy.token_shapes import BY_BEGINNING, BY_MIDDLE
from tests.privacy.linear import assert_linear
from tests.privacy.token_templates import ALL, made

if TYPE_CHECKING:
    from collections.abc import Callable

SURROUNDINGS: dict[str, Callable[[str], str]] = {
    "bare": lambda token: token,
    "URL": lambda token: f"GET https://shop.example/v1/items?v={quote(token, safe='')}&page=2",
    "JSON": lambda token: json.dumps({"id": 7, "value": token}),
    "JSON in JSON": lambda token: json.dumps({"body": json.dumps({"value": token, "n": "a\nb"})}),
    "header": lambda token: f"X-Thing: {token}",
    "quotes": lambda token: f"rejected '{token}', sorry",
    "environment": lambda token: f"THING={token}",
    "repr": lambda token: repr({"value": token, "text": f"a\n{token}"}),
    "log line": lambda token: f"2025-11-25 22:11:07,123 WARN shop.orders [worker-3] upstream said no to {token}, took 35.7 ms",
    "after a line": lambda token: repr(f"one\n{token}\ttwo"),
    "after _": lambda token: f"prefix_{token}",
    "after -": lambda token: f"prefix-{token}.",
}
SEEDS = range(4)


def survives(value: str, text: str) -> bool:
    run = len(value) // 2 + 1 if len(value) >= 12 else len(value)
    return any(value[at : at + run] in text for at in range(len(value) - run + 1))


@pytest.mark.parametrize("surrounding", SURROUNDINGS)
def test_tokens_of_published_shapes_are_hidden_wherever_they_stand(surrounding: str) -> None:
    wrap = SURROUNDINGS[surrounding]
    tokens = [(template, made(template, seed)) for template in ALL for seed in SEEDS]
    assert [template for template, token in tokens if survives(token, mask(wrap(token)))] == []


def test_every_shape_is_met_by_a_template() -> None:
    text = "\n".join(made(template, seed) for template in ALL for seed in SEEDS)
    text += "\n" + quote(text, safe="\n")
    shapes = [
        *(f"(?:{begins}){rest}" for several, rest in BY_BEGINNING for begins in several.split()),
        *(s for _, s in BY_MIDDLE),
    ]
    assert [shape for shape in shapes if not re.search(shape, text)] == []


@pytest.mark.parametrize(
    ("kind", "template"),
    [
        ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJ[anx40].[wordx43]"),
        ("jwt", "eyJ0eXAiOiJKV1Qi[anx20].eyJ[anx40]."),
        ("jwt", "eyJhbGciOiJSU0Et[anx20].[wordx80].[wordx16].[wordx60].[wordx22]"),
        ("jwt", "eyJhbGciOiJkaXIi[anx20]..[wordx16].[wordx60].[wordx22]"),
        ("jwt", "eyJhbGciOiJIUzI1NiIsInR5cCI6Ikp[anx10]"),
        ("jwt", "eyJraWQi[anx40].eyJ[anx300].[wordx342]"),
        ("token", "ghp_[anx36]"),
        ("private_key", "-----BEGIN PRIVATE KEY-----\n[b64x64]\n[b64x40]==\n-----END PRIVATE KEY-----"),
    ],
)
def test_what_was_hidden_is_said(kind: str, template: str) -> None:
    for seed in SEEDS:
        token = made(template, seed)
        for name, wrap in SURROUNDINGS.items():
            if kind == "jwt" or name in ("bare", "quotes"):
                assert not survives(token, mask(wrap(token))), (name, token)
        assert [found.kind for found in find(f"got {token} back")] == [kind]


KEYS = ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ", "PGP "]
BODY = "[b64x64]\n[b64x64]\n[b64x64]\n[b64x20]=="


@pytest.mark.parametrize("name", KEYS)
def test_private_keys_are_hidden_in_every_writing(name: str) -> None:
    kind = f"{name}PRIVATE KEY{' BLOCK' if name == 'PGP ' else ''}"
    body = made(BODY, 1)
    lines = body.splitlines()
    whole = f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"
    for text in (
        whole,
        json.dumps({"type": "service_account", "value": whole + "\n", "n": 1}),
        json.dumps({"body": json.dumps({"value": whole})}),
        repr({"value": whole}),
        whole.replace("\n", "\r\n"),
        whole.replace("\n", " "),
        quote(whole),
        whole[: len(whole) // 2],
        json.dumps({"value": whole})[:150],
        whole[100:],
        json.dumps({"value": whole})[70:],
    ):
        masked = mask(text)
        assert not any(survives(line, masked) for line in lines if line in text), text
        assert mask(masked) == masked


def test_other_files_of_keys_are_hidden() -> None:
    body = made(BODY, 2)
    putty = f"PuTTY-User-Key-File-3: ssh-rsa\nComment: x\nPrivate-Lines: 4\n{body}\nPrivate-MAC: {made('[hexx64]', 1)}\nafter"
    ssh2 = f"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{body}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\nafter"
    for text in (putty, ssh2):
        masked = mask(text)
        assert not any(survives(line, masked) for line in body.splitlines())
        assert masked.endswith("after")


@pytest.mark.parametrize(
    "text",
    [
        "org.apache.hadoop.mapreduce.v2.app.launcher.ContainerLauncherImpl started",
        "container_1445144423722_0020_01_000001 application_1445144423722_0020",
        "request 550e8400-e29b-41d4-a716-446655440000 trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "traceparent 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "commit 9f86d081884c7d659a2feaa0c55ad0159f86d081 of sha256:" + "9f86d081884c7d65" * 4,
        "test_parse_v2_response_with_a_very_long_function_name_1 PASSED",
        "live_migration_of_instances_between_hosts_2 done",
        "node_modules/sk-something-with-a-long-name/index.js",
        "sk-toolbar-item-component-v2-large-screens",
        "re_compile_pattern_with_long_names_12",
        "secret_santa_list_of_people_of_2024",
        "npm_config_registry=https://registry.example/",
        "api-gateway-7d9f8b6c5d-x2x4z is ready on node ip-10-0-1-2.eu-west-1.compute.internal",
        "image registry.example/app:v1.2.3-rc.1+build.20240101.5d41402abc4b2a76b9719d911017c592",
        "arn:aws:iam::123456789012:role/deploy-the-service-to-production",
        "hf_transfer_is_enabled_for_this_download",
        "ssh-rsa keys are read from /home/app/.ssh/authorized_keys_of_the_service",
        "etag 33a64df551425fcc55e4d42a148795d9f25f89d4",
        "AAAAAAAAAAAAAAAA is padding",
        "key-bindings-for-the-editor-mode-v2 loaded",
    ],
)
def test_names_ids_and_hashes_stay(text: str) -> None:
    assert mask(text) == text


UNITS = (
    *("sk-", "sk-a1", "live_a", "test_A1", "00aA1", "SG.aaaaaaaaaaaaaaaaaa", "%41", "\\n", "aAZDO", "aT3BlbkFJ", "a_mmk", "+A", "a1Q~"),
    *(".atlasv1.", "MAAAAAAAAAAAAAAAAAAAAAAAA.", "pi_aaaaaaaaaa_secret_", "AAAAAAAAAAAAAAAAAA", "1234567890:AA", "hooks.slack.com/"),
    *("eyJ", "eyJaaaaaa.", "-----BEGIN A-----", "-----END A KEY-----", "a-----END A KEY-----", "Private-Lines: 1", "A3-", "s.", "0", "_"),
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_looking_for_tokens_takes_time_in_proportion_to_length(unit: str) -> None:
    assert_linear(mask, unit)


SEPARATORS = ["%3D", "\\n", '"', "'", "_", "-", ". ", " ", "é", "=", "]", "&", "\n"]
PIECES = st.lists(
    st.tuples(st.sampled_from(ALL), st.integers(0, 3), st.sampled_from(SEPARATORS)).map(
        lambda one: made(one[0], one[1]) + one[2]
    ),
    max_size=5,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(PIECES | st.text(st.characters(codec=None, exclude_categories=()), max_size=200))
def test_what_is_masked_stays_as_it_is(text: str) -> None:
    masked = mask(text)
    assert mask(masked) == masked
