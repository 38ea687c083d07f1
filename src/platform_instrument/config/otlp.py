"""How one signal is sent over OTLP: the general settings and those of the signal, as the specification joins them.

Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

import os
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from platform_instrument.config.problem import MASK, ConfigProblem, quoted

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings

_HTTP = "http/protobuf"
_GRPC_PORT = 4317


class OtlpSettings:
    """Where and how to send one signal.

    `endpoint` is the URL to post to, for gRPC scheme, host and port; it holds no credentials: those that were written
    into it stand in `headers`. `headers` are decoded, with names in lower case. `timeout` is in seconds. `insecure` says
    that nothing is encrypted.
    """

    __slots__ = ("certificate", "client_certificate", "client_key", "compression", "endpoint", "headers", "insecure", "protocol",
                 "signal", "timeout")  # fmt: skip

    signal: str
    protocol: str
    endpoint: str
    headers: dict[str, str]
    timeout: float
    compression: str
    certificate: str | None
    client_key: str | None
    client_certificate: str | None
    insecure: bool


def otlp_settings(settings: Settings, signal: str) -> tuple[OtlpSettings, list[ConfigProblem]]:
    """Return how to send `traces`, `metrics` or `logs`, and what is wrong with what was asked for.

    Headers of a signal replace the general ones, so that no collector is handed the credentials of another.
    """
    problems: list[ConfigProblem] = []
    otlp = OtlpSettings()
    otlp.signal = signal
    otlp.protocol = _protocol(settings, signal, problems)
    otlp.headers = dict(_chosen(settings, signal, "headers")[1])
    otlp.endpoint = _without_user(_url(settings, signal, otlp.protocol, problems), otlp.headers)
    otlp.insecure = otlp.endpoint.startswith("http:")
    otlp.timeout = _chosen(settings, signal, "timeout")[1]
    otlp.compression = _chosen(settings, signal, "compression")[1]
    otlp.certificate = _file(settings, signal, "certificate", problems)
    otlp.client_key = _file(settings, signal, "client_key", problems)
    otlp.client_certificate = _file(settings, signal, "client_certificate", problems)
    if otlp.client_key and not otlp.client_certificate:
        otlp.client_key = None
        remedy = "set the client certificate too"
        variable = _chosen(settings, signal, "client_key")[0]
        problems.append(ConfigProblem(variable, MASK, "has no certificate beside it", used="", remedy=remedy))
    return otlp, problems


def _chosen(settings: Settings, signal: str, name: str) -> tuple[str, Any]:
    """Return the variable that decides, the signal's own if it is set, and its value."""
    own = f"exporter_otlp_{signal}_{name}"
    attribute = own if getattr(settings, own) is not None else f"exporter_otlp_{name}"
    return f"OTEL_{attribute.upper()}", getattr(settings, attribute)


def _protocol(settings: Settings, signal: str, problems: list[ConfigProblem]) -> str:
    """Return `http/protobuf` or `grpc`; what is not said is told by the port of the endpoint."""
    variable, protocol = _chosen(settings, signal, "protocol")
    if protocol == "http/json":
        remedy = "write http/protobuf, which every collector takes"
        problems.append(ConfigProblem(variable, "'http/json'", "is not supported", used=_HTTP, remedy=remedy))
        return _HTTP
    if protocol is None:
        endpoint = _chosen(settings, signal, "endpoint")[1]
        return "grpc" if endpoint and urlsplit(_with_scheme(endpoint, "http")).port == _GRPC_PORT else _HTTP
    return str(protocol)


def _url(settings: Settings, signal: str, protocol: str, problems: list[ConfigProblem]) -> str:
    """Return the URL to send to: a signal's own endpoint is taken as it is, the general one is where `/v1/…` begins."""
    variable, endpoint = _chosen(settings, signal, "endpoint")
    if protocol == "grpc":
        scheme = "http" if endpoint is None or _chosen(settings, signal, "insecure")[1] else "https"
        parts = urlsplit(_with_scheme(endpoint or f"localhost:{_GRPC_PORT}", scheme))
        return f"{parts.scheme}://{parts.netloc}"
    url = _with_scheme(endpoint or "localhost:4318", "http")
    if endpoint and url != endpoint:
        remedy = "write http:// or https:// before it"
        problems.append(ConfigProblem(variable, quoted(endpoint), "has no scheme", used=quoted(url), remedy=remedy))
    parts = urlsplit(url)
    if variable != "OTEL_EXPORTER_OTLP_ENDPOINT":
        return url
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/v1/{signal}", parts.query, ""))


def _with_scheme(endpoint: str, scheme: str) -> str:
    return endpoint if "://" in endpoint else f"{scheme}://{endpoint}"


def _without_user(url: str, headers: dict[str, str]) -> str:
    """Return the URL without its user information, which goes where it belongs and is never said in a message."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    name, _, password = user.partition(":")
    credentials = f"{unquote(name)}:{unquote(password)}".encode()
    headers.setdefault("authorization", f"Basic {b64encode(credentials).decode()}")
    return urlunsplit(parts._replace(netloc=host))


def _file(settings: Settings, signal: str, name: str, problems: list[ConfigProblem]) -> str | None:
    """Return the path of a file that is there, else None."""
    variable, path = _chosen(settings, signal, name)
    if path is None or os.path.isfile(path):
        return None if path is None else str(path)
    value = MASK if name == "client_key" else quoted(path)
    used = "the system's default" if name == "certificate" else ""
    remedy = "write the path of a PEM file that this process can read"
    problems.append(ConfigProblem(variable, value, "is not a file", used=used, remedy=remedy))
    return None
