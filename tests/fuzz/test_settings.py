"""Settings, whoever has written them: variables, YAML and TOML. A problem is one printable line, and no secret stands in it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from hypothesis import strategies as st

from platform_instrument.config.otlp import otlp_settings
from platform_instrument.config.overview import rows
from platform_instrument.config.read import read
from platform_instrument.config.schema import Settings
from platform_instrument.config.setting import SIGNALS
from platform_instrument.telemetry.workers.founding import _told
from tests.fuzz.fuzzing import ANY, fuzzed, texts

SECRET = "zq7Secret9"
VARIABLES = sorted(
    setting.variable for setting in Settings.declared.values() if setting.attribute not in {"propagators", "traces_sampler"}
)
OF_SECRETS = sorted(setting.variable for setting in Settings.declared.values() if setting.kind.secret)
VALUES = texts(
    *(
        "true",
        "none",
        ",",
        "=",
        "a=b",
        "http://",
        "https://",
        "user:",
        "@",
        "[::1]",
        ":4318",
        "/v1",
        "?",
        "%2C",
        "1",
        "-1",
        "1e9",
        "0x1",
    ),
    *("tcp://db:5432", "(a+)+", "[", "{1,64}", "email=hash", "otlp", "console", "/livez", "grpc", "\ud800", "\u0661"),
)
NAMES = st.sampled_from(VARIABLES) | ANY.map("OTEL_{}".format) | ANY.map("PLATFORM_{}".format)


def judge(environ: dict[str, str]) -> list[str]:
    """Read settings and how each signal is sent; return every line that is said or shown of them."""
    settings, problems = read(environ)
    for signal in SIGNALS:
        otlp, more = otlp_settings(settings, signal)
        problems += more
        assert otlp.protocol in {"http/protobuf", "grpc"}
        assert otlp.endpoint.startswith(("http://", "https://"))
        assert all(value.isascii() and value.isprintable() for value in otlp.headers.values())
    said = [str(problem) for problem in problems]
    for line in said:
        assert line.isascii()
        assert line.isprintable()
        assert len(line) < 2_000
    return said + [row.value for row in rows(settings)]


@fuzzed(st.dictionaries(NAMES, VALUES, max_size=6))
def test_any_environment_is_read(environ: dict[str, str]) -> None:
    judge({name: value for name, value in environ.items() if name != "PLATFORM_CONFIG_FILE"})


@fuzzed(
    st.tuples(st.sampled_from(OF_SECRETS), VALUES.map(lambda text: text[:200]), VALUES.map(lambda text: text[:200])),
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer ", "\n"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:", "@collector:4318"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "user:", "@collector"),
)
def test_a_secret_is_never_said(case: tuple[str, str, str]) -> None:
    variable, before, after = case
    assert SECRET not in " ".join(judge({variable: before + SECRET + after}))


YAML = texts(
    *(
        "otel:\n",
        "  service_name: shop\n",
        "platform: {",
        "}",
        "[",
        "]",
        ": ",
        "- ",
        "&a ",
        "*a",
        "<<: ",
        "!!python/object/apply:os.system ",
        "? ",
    ),
    *(
        "|\n",
        ">\n",
        "'",
        '"',
        "#",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
        "!!binary ",
        "!!set ",
        "0x",
        "1e400",
        "2001-01-01",
        "~",
        "exporter:\n    otlp:\n",
    ),
)
TOML = texts(
    *(
        "[otel]\n",
        "[[a]]\n",
        "a.b = ",
        "'''",
        '"""',
        '"',
        "1",
        "0x",
        "1979-05-27",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\n",
        "= ",
        "#",
        "inf",
        "nan",
    )
)


@fuzzed(
    st.tuples(YAML, st.just(".yaml"))
    | st.tuples(TOML, st.just(".toml"))
    | st.tuples(st.binary(max_size=300), st.sampled_from([".yaml", ".toml"]))
)
def test_any_file_is_read(case: tuple[str | bytes, str]) -> None:
    content, kind = case
    if kind == ".toml" and sys.version_info < (3, 11):
        kind = ".yaml"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"settings{kind}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")[:1_024])
        judge({"PLATFORM_CONFIG_FILE": str(path)})


@fuzzed(texts("1", ":", "520", "-1", "0", "/", "..", "1" * 5_000))
def test_what_a_parent_has_left_word_of_is_checked(word: str) -> None:
    assert _told(word) == []
