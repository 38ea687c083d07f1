"""How one signal is sent: general settings and those of the signal, joined as the specification says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platform_instrument.config.otlp import OtlpSettings, otlp_settings
from platform_instrument.config.read import read

if TYPE_CHECKING:
    from pathlib import Path


def of(signal: str = "traces", **environ: str) -> OtlpSettings:
    otlp, problems = otlp_settings(read({f"OTEL_EXPORTER_OTLP_{name}": value for name, value in environ.items()})[0], signal)
    assert problems == []
    return otlp


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, "http://localhost:4318/v1/traces"),
        ({"ENDPOINT": "https://c"}, "https://c/v1/traces"),
        ({"ENDPOINT": "https://c:4318/"}, "https://c:4318/v1/traces"),
        ({"ENDPOINT": "https://c/otlp/?a=b"}, "https://c/otlp/v1/traces?a=b"),
        ({"TRACES_ENDPOINT": "https://c/take"}, "https://c/take"),
        ({"TRACES_ENDPOINT": "https://c"}, "https://c"),
        ({"ENDPOINT": "http://general", "TRACES_ENDPOINT": "https://own/x"}, "https://own/x"),
        ({"METRICS_ENDPOINT": "https://other"}, "http://localhost:4318/v1/traces"),
        ({"PROTOCOL": "grpc"}, "http://localhost:4317"),
        ({"PROTOCOL": "grpc", "ENDPOINT": "https://c:4317/path"}, "https://c:4317"),
        ({"PROTOCOL": "grpc", "ENDPOINT": "c:4317"}, "https://c:4317"),
        ({"PROTOCOL": "grpc", "ENDPOINT": "c:4317", "INSECURE": "true"}, "http://c:4317"),
        ({"PROTOCOL": "grpc", "ENDPOINT": "c:4317", "TRACES_INSECURE": "true"}, "http://c:4317"),
    ],
)
def test_the_endpoint_is_the_general_one_with_the_signals_path_or_the_signals_own_as_it_is(
    environ: dict[str, str], endpoint: str
) -> None:
    otlp = of(**environ)
    assert otlp.endpoint == endpoint
    assert otlp.insecure is endpoint.startswith("http:")


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({}, "http/protobuf"),
        ({"ENDPOINT": "http://c:4317"}, "grpc"),
        ({"ENDPOINT": "[::1]:4317"}, "grpc"),
        ({"TRACES_ENDPOINT": "http://c:4317"}, "grpc"),
        ({"METRICS_ENDPOINT": "http://c:4317"}, "http/protobuf"),
        ({"ENDPOINT": "http://c:4317", "PROTOCOL": "http/protobuf"}, "http/protobuf"),
        ({"PROTOCOL": "grpc", "TRACES_PROTOCOL": "http/protobuf"}, "http/protobuf"),
    ],
)
def test_the_protocol_is_what_is_said_or_what_the_port_means(environ: dict[str, str], protocol: str) -> None:
    assert of(**environ).protocol == protocol


def test_each_signal_has_settings_of_its_own_over_the_general_ones() -> None:
    environ = {"TIMEOUT": "5000", "METRICS_TIMEOUT": "700", "COMPRESSION": "none", "LOGS_COMPRESSION": "gzip"}
    assert [(of(signal, **environ).timeout, of(signal, **environ).compression) for signal in ("traces", "metrics", "logs")] == [
        (5.0, "none"),
        (0.7, "none"),
        (5.0, "gzip"),
    ]


def test_headers_of_a_signal_replace_the_general_ones() -> None:
    assert of(HEADERS="a=1,b=2", TRACES_HEADERS="c=3").headers == {"c": "3"}
    assert of("metrics", HEADERS="a=1,b=2", TRACES_HEADERS="c=3").headers == {"a": "1", "b": "2"}


def test_user_information_becomes_a_header_and_leaves_the_endpoint() -> None:
    otlp = of(ENDPOINT="https://us%40er:p%3Aw@c:4318")
    assert otlp.endpoint == "https://c:4318/v1/traces"
    assert otlp.headers == {"authorization": "Basic dXNAZXI6cDp3"}
    assert of(ENDPOINT="https://u:p@c", HEADERS="authorization=Bearer x").headers == {"authorization": "Bearer x"}


def test_files_for_tls_are_taken_where_they_are_there(tmp_path: Path) -> None:
    pem = tmp_path / "a.pem"
    pem.write_text("")
    otlp = of(CERTIFICATE=str(pem), CLIENT_KEY=str(pem), CLIENT_CERTIFICATE=str(pem))
    assert (otlp.certificate, otlp.client_key, otlp.client_certificate) == (str(pem), str(pem), str(pem))


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (
            {"PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_PROTOCOL='http/json' is not supported; http/protobuf is used; write http/protobuf, which every collector takes",
        ),
        (
            {"TRACES_ENDPOINT": "c:4318"},
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT='c:4318' has no scheme; 'http://c:4318' is used; write http:// or https:// before it",
        ),
        (
            {"CERTIFICATE": "/no/ca.pem"},
            "OTEL_EXPORTER_OTLP_CERTIFICATE='/no/ca.pem' is not a file; the system's default is used; write the path of a PEM file that this process can read",
        ),
        (
            {"TRACES_CLIENT_KEY": __file__},
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY=*** has no certificate beside it; it is ignored; set the client certificate too",
        ),
    ],
)
def test_what_cannot_be_sent_so_is_said(environ: dict[str, str], line: str) -> None:
    found, _ = read({f"OTEL_EXPORTER_OTLP_{name}": value for name, value in environ.items()})
    assert [str(problem) for problem in otlp_settings(found, "traces")[1]] == [line]
