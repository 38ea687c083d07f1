"""Claims of tokens become attributes of the request where a library has verified them, and only there."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import jose.jwt
import pytest
from joserfc import jwt
from joserfc.jwe import JWERegistry
from joserfc.jwk import RSAKey

from platform_instrument import set_attributes
from platform_instrument.core.guard import faults
from platform_instrument.core.values import CLIENT, INTERNAL, SERVER, Operation
from platform_instrument.engine import apply
from platform_instrument.instrumentations import authlib as our_authlib
from platform_instrument.instrumentations import jose as our_jose
from platform_instrument.instrumentations import joserfc as our_joserfc
from platform_instrument.instrumentations import jwt as our_jwt
from platform_instrument.telemetry import choices, facts_shown, pipeline, printed, tracer
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.facts import facts_of, note
from platform_instrument.telemetry.facts_claimed import _Wanted
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.testing.recorder import recording
from tests.instrumentations import tokens
from tests.instrumentations.tokens import ERRORS, LIBRARIES, token
from tests.processes import BIN, door, run
from tests.web.serving import observed, servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from platform_instrument.telemetry.span import Span
    from platform_instrument.testing.recorder import Recorder

OURS = (our_jwt, our_jose, our_authlib, our_joserfc)
SCOPE = own_scope("test")
NAMES = "sub=user.id,tenant_id,realm_access.roles=user.roles,https://shop.example/plan=shop.plan,level,score,paid"
CLAIMS = {
    "sub": "u7",
    "tenant_id": "acme",
    "realm_access": {"roles": ["buyer", "seller"]},
    "https://shop.example/plan": "gold",
    "level": 3,
    "score": 0.5,
    "paid": True,
    "secret": "never named",
}
SAID = {
    "user.id": "u7",
    "tenant.id": "acme",
    "user.roles": ("buyer", "seller"),
    "shop.plan": "gold",
    "level": 3,
    "score": 0.5,
    "paid": True,
}


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Record spans, with the claims of every library taken, and nothing of it afterwards."""
    for verify in LIBRARIES.values():
        verify(token({}))  # loads it
    monkeypatch.setattr(tracer, "STARTED", None)
    for name in ("current_ids", "finished", "unsaid"):
        monkeypatch.setattr(printed, name, getattr(printed, name))
    monkeypatch.setattr(facts_shown._Shown, "by", None)
    monkeypatch.setattr(_Wanted, "claims", ())
    monkeypatch.setattr(_Wanted, "callers", frozenset())
    env = {"PLATFORM_SPAN_ATTRIBUTES_FROM_CLAIMS": NAMES, "PLATFORM_SPAN_ATTRIBUTES_FROM_HEADERS": "x-tenant-id"}
    with recording(env) as recorder:
        assert pipeline.PIPELINE is not None
        choices.show_facts(pipeline.PIPELINE.settings)
        for each in OURS:
            apply.install(each.INSTRUMENTATION)
        contained = [(fault.place, fault.count) for fault in faults()]
        yield recorder
        assert [(fault.place, fault.count) for fault in faults()] == contained
        for each in OURS:
            apply.uninstall(each.INSTRUMENTATION.name)


@contextmanager
def span(name: str, kind: int = INTERNAL) -> Iterator[Span]:
    """Open a span of ours and make it current."""
    opened = tracer.start(name, kind, Operation(name, kind, {}), None, SCOPE, CURRENT.get(), 0)
    token = CURRENT.set(opened)
    yield opened
    CURRENT.reset(token)
    opened.end_ns = opened.start_ns + 1
    assert pipeline.PIPELINE is not None
    pipeline.PIPELINE.ended(opened)


def said(recorder: Recorder) -> dict[str, dict[str, Any]]:
    """Return the attributes of each span."""
    return {each.name: dict(each.attributes) for each in recorder.spans}


def asked(verify: Callable[[], Any], recorder: Recorder) -> dict[str, Any]:
    """Verify within a request; return what is known of it, which is no error where the library raises."""
    recorder.clear()
    with span("request", SERVER), suppress(*ERRORS):
        verify()
    return said(recorder)["request"]


@pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_claims_named_are_on_the_request_and_what_begins_below_it_and_no_others(
    library: str, algorithm: str, recorder: Recorder
) -> None:
    with span("request", SERVER):
        with span("before", CLIENT):
            claims = LIBRARIES[library](token(CLAIMS, algorithm), algorithm)
        with span("after", CLIENT):
            pass
    assert dict(claims) == CLAIMS
    assert said(recorder) == {"request": SAID, "before": {}, "after": SAID}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_token_of_somebody_else_s_making_says_nothing(library: str, recorder: Recorder) -> None:
    verify, now = LIBRARIES[library], time.time()
    assert asked(lambda: verify(token(CLAIMS, secret="a guess that is as long as the secret of the service is")), recorder) == {}
    assert asked(lambda: verify(token(CLAIMS)[:-4] + "AAAA"), recorder) == {}
    assert asked(lambda: verify(token(CLAIMS, "none")), recorder) == {}
    assert asked(lambda: verify("nonsense"), recorder) == {}
    assert asked(lambda: verify(token({**CLAIMS, "exp": now - 60})), recorder) == {}
    assert asked(lambda: verify(token({**CLAIMS, "nbf": now + 600})), recorder) == {}
    assert asked(lambda: verify(token({**CLAIMS, "exp": now + 600, "nbf": now - 60})), recorder) == SAID


@pytest.mark.parametrize("library", ["pyjwt", "pyjwt_whole", "jose"])
def test_claims_that_are_read_without_their_signature_say_nothing(library: str, recorder: Recorder) -> None:
    forged = token(CLAIMS, secret="a guess that is as long as the secret of the service is")
    seen: list[Any] = []

    def reads() -> None:
        seen.append(LIBRARIES[library](forged, options={"verify_signature": False}))

    assert asked(reads, recorder) == {}
    assert seen == [CLAIMS]  # the library lets it pass: it is our part not to
    assert (
        asked(lambda: LIBRARIES[library](token(CLAIMS), options={"verify_signature": True, "verify_exp": False}), recorder)
        == SAID
    )


def test_what_is_read_of_a_token_by_other_ways_says_nothing(recorder: Recorder) -> None:
    assert asked(lambda: jose.jwt.get_unverified_claims(token(CLAIMS)), recorder) == {}
    assert asked(lambda: tokens.JWTClaims(CLAIMS, {"alg": "HS256"}).validate(), recorder) == {}


@pytest.mark.filterwarnings("ignore:JWS algorithm")
@pytest.mark.parametrize("library", ["authlib", "joserfc"])
def test_a_token_without_a_signature_says_nothing_where_the_service_takes_it(library: str, recorder: Recorder) -> None:
    seen: list[Any] = []
    assert asked(lambda: seen.append(dict(LIBRARIES[library](token(CLAIMS, "none"), "none"))), recorder) == {}
    assert seen in ([CLAIMS], [])  # the first versions refuse it


def test_an_encrypted_token_says_nothing_since_anybody_can_have_made_it(recorder: Recorder) -> None:
    key, registry = RSAKey.import_key(tokens.PRIVATE), JWERegistry(algorithms=["RSA-OAEP", "A128GCM"])
    header = {"alg": "RSA-OAEP", "enc": "A128GCM"}
    text = jwt.encode(header, CLAIMS, key, registry=registry)
    seen: list[Any] = []

    def with_authlib() -> None:
        claims = tokens.JsonWebToken(["RSA-OAEP", "A128GCM"]).decode(text, tokens.PRIVATE)
        claims.validate()
        seen.append(claims)

    assert asked(lambda: seen.append(jwt.decode(text, key, registry=registry).claims), recorder) == {}
    assert asked(with_authlib, recorder) == {}
    assert seen == [CLAIMS, CLAIMS]


def test_claims_of_authlib_s_count_once_they_are_validated(recorder: Recorder) -> None:
    options = {"iss": {"essential": True, "value": "https://ours"}}
    assert asked(lambda: tokens.authlib_decoded(token(CLAIMS)), recorder) == {}
    assert asked(lambda: tokens.authlib(token({**CLAIMS, "iss": "https://theirs"}), claims_options=options), recorder) == {}
    assert asked(lambda: tokens.authlib(token({**CLAIMS, "iss": "https://ours"}), claims_options=options), recorder) == SAID


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_first_of_two_tokens_says_a_name(library: str, recorder: Recorder) -> None:
    with span("request", SERVER):
        LIBRARIES[library](token({"sub": "u1", "tenant_id": {"a": 1}}))
        LIBRARIES[library](token({"sub": "u2", "tenant_id": "acme"}))
    assert said(recorder)["request"] == {"user.id": "u1", "tenant.id": "acme"}


def test_a_token_wins_over_the_caller_s_word_and_the_service_s_over_a_token(recorder: Recorder) -> None:
    with span("request", SERVER) as request:
        facts = facts_of(request)
        assert facts is not None
        note(facts, "tenant.id", "a header's")
        set_attributes(user_id="the service's")
        LIBRARIES["pyjwt"](token(CLAIMS))
        LIBRARIES["pyjwt"](token({**CLAIMS, "tenant_id": "another token's"}))
        with span("below", CLIENT):
            pass
        set_attributes({"level": 4})
    expected = {**SAID, "user.id": "the service's"}
    assert said(recorder) == {"below": expected, "request": {**expected, "level": 4}}


def test_outside_of_a_request_a_token_says_nothing(recorder: Recorder) -> None:
    LIBRARIES["pyjwt"](token(CLAIMS))
    with span("job"):
        LIBRARIES["pyjwt"](token(CLAIMS))
    assert said(recorder) == {"job": {}}


def test_a_token_that_a_thread_of_the_request_verifies_is_the_request_s(recorder: Recorder) -> None:
    with span("request", SERVER), ThreadPoolExecutor(1) as pool:
        pool.submit(copy_context().run, LIBRARIES["pyjwt"], token(CLAIMS)).result()
    assert said(recorder)["request"] == SAID


def test_values_are_bounded_masked_and_of_the_kinds_that_a_claim_can_be(recorder: Recorder) -> None:
    odd = {
        "sub": "bob@example.com",
        "tenant_id": "x" * 1_000,
        "realm_access": {
            "roles": ["r" * 22, 7, None, {"a": 1}, ["b"], *[f"role of number {number:05}" for number in range(100)]]
        },
        "https://shop.example/plan": {"a": 1},
        "level": None,
        "score": [],
        "paid": [1, 2],
    }
    found = asked(lambda: LIBRARIES["pyjwt"](token(odd)), recorder)
    roles, tenant = found.pop("user.roles"), found.pop("tenant.id")
    assert found == {"user.id": "[email]"}
    assert len(tenant) <= 256
    assert roles == ("r" * 22, *[f"role of number {number:05}" for number in range(11)])
    assert asked(lambda: LIBRARIES["pyjwt"](token({"realm_access": ["roles"], "tenant_id": ["y" * 300]})), recorder) == {}
    many = {"realm_access": {"roles": [*"abcdefghijklmnopqrstuvwxyz"]}}
    assert asked(lambda: LIBRARIES["pyjwt"](token(many)), recorder) == {"user.roles": tuple("abcdefghijklmnop")}
    assert asked(lambda: LIBRARIES["pyjwt"](token({"realm_access.roles": "whole"})), recorder) == {"user.roles": "whole"}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a file that holds the key which tokens are verified with."""
    pytest.importorskip("fastapi")
    (tmp_path / "key.pem").write_text(tokens.PUBLIC)
    return tmp_path / "key.pem"


SERVERS: dict[str, Callable[[int], list[Any]]] = {
    "fastapi": lambda port: [BIN / "uvicorn", "claims_apps:asgi", "--port", str(port)],
    "flask": lambda port: [BIN / "gunicorn", "-k", "gthread", "--threads", "3", "-b", f"127.0.0.1:{port}", "claims_apps:wsgi"],
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_service_s_requests_lines_and_records_say_whom_their_token_is_of(server: str, key: Path) -> None:
    env = {
        "SHOP_KEY": str(key),
        "OTEL_LOGS_EXPORTER": "otlp",
        "PLATFORM_SPAN_ATTRIBUTES_FROM_CLAIMS": "sub=user.id,realm_access.roles=user.roles",
        "PLATFORM_METRICS_ATTRIBUTES": "user.id",
        "OTEL_METRICS_EXPORTER": "otlp",
    }
    users = [f"u{number}" for number in range(12)]
    texts = {user: token({"sub": user, "aud": "shop", "realm_access": {"roles": ["buyer"]}}, "RS256") for user in users}
    texts["thief"] = token({"sub": "thief", "aud": "another shop"}, "RS256")
    with observed(SERVERS[server], env) as running:
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda text: running.server.get("/", {"Authorization": f"Bearer {text}"})[0], texts.values())
            assert list(answers) == [200] * 12 + [401]
        running.collector.wait_for(lambda spans: len(servers(spans)) == 13, 30)
        running.server.terminate()
        output, records, spans = running.server.stdout, running.collector.logs, running.collector.spans
        counted = {point.attributes.get("user.id") for point in running.collector.latest("http.server.request.duration")}
    assert counted == {*users, None}
    seen = {span.trace_id: span.attributes.get("user.id") for span in servers(spans)}
    assert sorted(seen.values(), key=str) == sorted([*users, None], key=str)
    for span in spans:
        assert span.attributes.get("user.id") == seen[span.trace_id]
    for trace, user in seen.items():
        told = {line.partition(" ")[0]: line.partition(" span_id=")[2][16:] for line in output.splitlines() if trace in line}
        after = f' user.id={user} user.roles=["buyer"]'
        assert {step: told[step] for step in told if step in {"began", "step", "refused"}} == (
            {"began": "", "step": after} if user else {"began": "", "refused": ""}
        )
        logged = {str(record.body): record.attributes.get("user.id") for record in records if record.trace_id == trace}
        assert logged.items() >= ({"began": None, "step": user} if user else {"began": None, "refused": None}).items()
    assert not re.search("thief", output)


_STATE = """
import jwt, sys
from platform_instrument.engine.apply import APPLIED
print(hasattr(jwt.PyJWT._validate_claims, "__wrapped__"), "platform_instrument.instrumentations.jwt" in sys.modules, APPLIED["jwt"].status if "jwt" in APPLIED else "")
"""


@pytest.mark.parametrize(("setting", "expected"), [("", "False False"), ("sub", "True True patched")])
def test_without_the_setting_nothing_is_patched_or_loaded(setting: str, expected: str, tmp_path: Path) -> None:
    words, env = door("command", ["python", "-c", _STATE])
    ended = run(words, env={**env, "OTEL_TRACES_EXPORTER": "none", "PLATFORM_SPAN_ATTRIBUTES_FROM_CLAIMS": setting}, cwd=tmp_path)
    assert ended.stdout.strip() == expected, ended.stderr
