"""Reading the settings: every variable, each layer over the one below, every problem in one line, and never an exception."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies

from platform_instrument.config import kinds
from platform_instrument.config.otlp import otlp_settings
from platform_instrument.config.overview import all_problems, rows
from platform_instrument.config.read import read
from platform_instrument.config.schema import Settings, of_signals, switched_off
from platform_instrument.config.setting import SIGNALS
from platform_instrument.config.switches import instrumentation_enabled

EMPTY = str(Path(__file__).with_name("empty.yaml"))

VALUES = {
    "PLATFORM_ENABLED": ("no", False),
    "PLATFORM_AUTO": ("1", True),
    "OTEL_SDK_DISABLED": ("TRUE", True),
    "PLATFORM_INSTRUMENTATIONS": ("Redis, asyncio-x", ("redis", "asyncio_x")),
    "PLATFORM_DISABLED_INSTRUMENTATIONS": ("*", ("*",)),
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ("sqlite3,sqlite3,", ("sqlite3",)),
    "PLATFORM_CONFIG_FILE": (EMPTY, EMPTY),
    "PLATFORM_DEBUG": ("on", True),
    "PLATFORM_MAX_OVERHEAD": ("2.5 %", 0.025),
    "OTEL_SERVICE_NAME": (" shop ", "shop"),
    "OTEL_RESOURCE_ATTRIBUTES": ("a=b%2Cc, d =%C3%A9", {"a": "b,c", "d": "é"}),
    "OTEL_TRACES_EXPORTER": ("otlp,Console", ("otlp", "console")),
    "OTEL_METRICS_EXPORTER": ("prometheus", ("prometheus",)),
    "OTEL_LOGS_EXPORTER": ("otlp", ("otlp",)),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("HTTPS://[::1]:4318/x", "https://[::1]:4318/x"),
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("grpc", "grpc"),
    "OTEL_EXPORTER_OTLP_HEADERS": ("Authorization=Bearer%20a=b", {"authorization": "Bearer a=b"}),
    "OTEL_EXPORTER_OTLP_TIMEOUT": ("2500", 2.5),
    "OTEL_EXPORTER_OTLP_COMPRESSION": ("none", "none"),
    "OTEL_EXPORTER_OTLP_CERTIFICATE": ("/ca.pem", "/ca.pem"),
    "OTEL_EXPORTER_OTLP_CLIENT_KEY": ("/key.pem", "/key.pem"),
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": ("/cert.pem", "/cert.pem"),
    "OTEL_EXPORTER_OTLP_INSECURE": ("true", True),
    "OTEL_EXPORTER_PROMETHEUS_HOST": ("0.0.0.0", "0.0.0.0"),  # noqa: S104 - a value to read
    "OTEL_EXPORTER_PROMETHEUS_PORT": ("0", 0),
    "PLATFORM_PROMETHEUS_CLIENT_REGISTRY": ("true", True),
    "PLATFORM_PROMETHEUS_INSTANCE_LABEL": ("true", True),
    "OTEL_TRACES_SAMPLER": ("TraceIdRatio", "traceidratio"),
    "OTEL_TRACES_SAMPLER_ARG": ("0.25", 0.25),
    "OTEL_PROPAGATORS": ("b3,tracecontext", ("b3", "tracecontext")),
    "PLATFORM_TRUST_INBOUND": ("off", False),
    "PLATFORM_INTERNAL_HOSTS": (".Corp,db", (".corp", "db")),
    "OTEL_PYTHON_ID_GENERATOR": ("xray", "xray"),
    "OTEL_PYTHON_EXCLUDED_URLS": ("/health$,^/x+", ("/health$", "^/x+")),
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": ("X-.*", ("X-.*",)),
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": ("X-.*", ("X-.*",)),
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": ("X-.*", ("X-.*",)),
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": ("X-.*", ("X-.*",)),
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": ("cookie", ("cookie",)),
    "PLATFORM_SPAN_ATTRIBUTES_FROM_HEADERS": ("X-Tenant,X-Plan = shop.plan", ("x-tenant", "x-plan=shop.plan")),
    "PLATFORM_SPAN_ATTRIBUTES_FROM_BAGGAGE": ("userId", ("userId",)),
    "PLATFORM_SPAN_ATTRIBUTES_FROM_CLAIMS": ("sub=user.id,https://a.b/c=plan", ("sub=user.id", "https://a.b/c=plan")),
    "PLATFORM_METRICS_ATTRIBUTES": ("tenant.id, plan", ("tenant.id", "plan")),
    "PLATFORM_REQUEST_ID": ("true", True),
    "PLATFORM_REQUEST_ID_HEADER": ("X-Correlation-ID", "X-Correlation-ID"),
    "PLATFORM_WEBSOCKETS": ("true", True),
    "PLATFORM_DB_TRANSACTIONS": ("true", True),
    "PLATFORM_DB_REPEATED": ("false", False),
    "PLATFORM_SLOW_QUERY_MS": ("250", 0.25),
    "PLATFORM_SQLCOMMENTER": ("true", True),
    "OTEL_METRIC_EXPORT_INTERVAL": ("1000", 1.0),
    "OTEL_METRIC_EXPORT_TIMEOUT": ("1000", 1.0),
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": ("Delta", "delta"),
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": (
        "base2_exponential_bucket_histogram",
        "base2_exponential_bucket_histogram",
    ),
    "PLATFORM_RUNTIME_METRICS": ("false", False),
    "PLATFORM_CACHE_METRICS": ("true", True),
    "OTEL_PYTHON_GRPC_EXCLUDED_SERVICES": ("shop.Health", ("shop.Health",)),
    "PLATFORM_METRICS_CARDINALITY_LIMIT": ("50", 50),
    "PLATFORM_METRICS_SERIES_LIMIT": ("500", 500),
    "OTEL_METRICS_EXEMPLAR_FILTER": ("always_off", "always_off"),
    "PLATFORM_MASK": ("Email=hash, phone=off", {"email": "hash", "phone": "off"}),
    "PLATFORM_MASK_KEY": ("a key", "a key"),
    "PLATFORM_MASK_PATTERNS": ("a{1,3},b", ("a{1,3}", "b")),
    "PLATFORM_LOG_TRACE_ID": ("false", False),
    "PLATFORM_LOG_MASK": ("0", False),
    "PLATFORM_LOG_FORMAT": ("JSON", "json"),
    "PLATFORM_LOG_FLIGHT_RECORDER": ("on", True),
    "PLATFORM_LOG_FLIGHT_RECORDER_LOGGERS": ("shop,-shop.Carts", ("shop", "-shop.Carts")),
    "PLATFORM_LOG_FLIGHT_RECORDER_LEVEL": ("INFO", "info"),
    "PLATFORM_LOG_FLIGHT_RECORDER_SLOW": ("2.5", 2.5),
    "PLATFORM_LOG_FLIGHT_RECORDER_SIZE": ("131072", 131_072),
    "PLATFORM_LOG_FLIGHT_RECORDER_RATE": ("10", 10),
    "PLATFORM_LOG_SAMPLE": ("on", True),
    "PLATFORM_LOG_SAMPLE_OTLP": ("on", True),
    "PLATFORM_LOG_SAMPLE_LEVEL": ("Warning", "warning"),
    "PLATFORM_LOG_SAMPLE_RATE": ("0.5", 0.5),
    "PLATFORM_LOG_SAMPLE_BURST": ("7", 7),
    "PLATFORM_LOG_SAMPLE_KEEP_TRACES": ("false", False),
    "PLATFORM_LOG_SAMPLE_EXCLUDED_LOGGERS": ("audit, shop.Orders", ("audit", "shop.Orders")),
    "PLATFORM_PROBES": ("true", True),
    "PLATFORM_PROBES_LIVENESS_PATH": ("/healthz/live", "/healthz/live"),
    "PLATFORM_PROBES_STARTUP_PATH": ("/healthz/started", "/healthz/started"),
    "PLATFORM_PROBES_READINESS_PATH": ("/healthz/ready", "/healthz/ready"),
    "PLATFORM_PROBES_OVERRIDE": ("true", True),
    "PLATFORM_ADMIN_PORT": ("8081", 8081),
    "PLATFORM_ADMIN_HOST": ("0.0.0.0", "0.0.0.0"),  # noqa: S104 - a value to read
    "PLATFORM_READINESS": ("Gate", "gate"),
    "PLATFORM_READINESS_CRITICAL": ("postgresql, redis:Cache", ("postgresql", "redis:Cache")),
    "PLATFORM_READINESS_CHECKS": ("tcp://db:5432, https://auth/healthz", ("tcp://db:5432", "https://auth/healthz")),
    "PLATFORM_READINESS_INTERVAL": ("0.5", 0.5),
    "PLATFORM_READINESS_TIMEOUT": ("1", 1.0),
    "PLATFORM_READINESS_FAILURES": ("1", 1),
    "PLATFORM_READINESS_SUCCESSES": ("1", 1),
    "OTEL_BSP_SCHEDULE_DELAY": ("250", 0.25),
    "OTEL_BSP_EXPORT_TIMEOUT": ("250", 0.25),
    "OTEL_BSP_MAX_QUEUE_SIZE": ("9999", 9999),
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": ("7", 7),
    "OTEL_BLRP_SCHEDULE_DELAY": ("250", 0.25),
    "OTEL_BLRP_EXPORT_TIMEOUT": ("250", 0.25),
    "OTEL_BLRP_MAX_QUEUE_SIZE": ("9999", 9999),
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": ("7", 7),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("0", 0),
    "OTEL_ATTRIBUTE_COUNT_LIMIT": ("5", 5),
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("6", 6),
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ("6", 6),
    "OTEL_SPAN_EVENT_COUNT_LIMIT": ("6", 6),
    "OTEL_SPAN_LINK_COUNT_LIMIT": ("6", 6),
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": ("6", 6),
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": ("6", 6),
    "PLATFORM_FLUSH_TIMEOUT": ("1.5", 1.5),
    "PLATFORM_SIGTERM_HANDLER": ("no", False),
    "PLATFORM_SHUTDOWN": ("true", True),
    "PLATFORM_SHUTDOWN_DELAY": ("1.5", 1.5),
    "PLATFORM_SHUTDOWN_HTTP_TIMEOUT": ("20", 20.0),
    "PLATFORM_SHUTDOWN_GRPC_TIMEOUT": ("4", 4.0),
    "PLATFORM_SHUTDOWN_FLUSH_TIMEOUT": ("2", 2.0),
    "PLATFORM_SHUTDOWN_CLOSE_TIMEOUT": ("1", 1.0),
    "PLATFORM_SHUTDOWN_TIMEOUT": ("55", 55.0),
}
"""A value of each variable that differs from its default, and what it stands for."""

WRONG = {
    "PLATFORM_REQUEST_ID_HEADER": "X-Request ID",
    "PLATFORM_SPAN_ATTRIBUTES_FROM_HEADERS": "x-tenant=te nant",
    "PLATFORM_SPAN_ATTRIBUTES_FROM_BAGGAGE": "=tenant.id",
    "PLATFORM_SPAN_ATTRIBUTES_FROM_CLAIMS": "https://a.b/c",
    "PLATFORM_ENABLED": "maybe",
    "OTEL_SDK_DISABLED": "1",
    "OTEL_SERVICE_NAME": "a\x00b",
    "OTEL_RESOURCE_ATTRIBUTES": "novalue",
    "OTEL_TRACES_EXPORTER": "otlp,none",
    "OTEL_METRICS_EXPORTER": "statsd",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://collector",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "10s",
    "OTEL_EXPORTER_PROMETHEUS_PORT": "99999",
    "OTEL_TRACES_SAMPLER": "always-on",
    "OTEL_TRACES_SAMPLER_ARG": "nan",
    "OTEL_PYTHON_EXCLUDED_URLS": "(",
    "OTEL_BSP_MAX_QUEUE_SIZE": "-1",
    "OTEL_ATTRIBUTE_COUNT_LIMIT": "1_000",
    "PLATFORM_FLUSH_TIMEOUT": "1e9",
    "PLATFORM_LOG_FORMAT": "xml",
    "PLATFORM_PROBES": "livez",
    "PLATFORM_PROBES_LIVENESS_PATH": "livez",
    "PLATFORM_PROBES_STARTUP_PATH": "//startupz",
    "PLATFORM_PROBES_READINESS_PATH": "/readyz?verbose",
    "PLATFORM_ADMIN_PORT": "0",
    "PLATFORM_READINESS": "strict",
    "PLATFORM_READINESS_CHECKS": "tcp://db",
    "PLATFORM_READINESS_INTERVAL": "5s",
    "PLATFORM_READINESS_TIMEOUT": "0",
    "PLATFORM_READINESS_FAILURES": "0",
    "PLATFORM_READINESS_SUCCESSES": "1.5",
}

TEXTS = strategies.one_of(
    strategies.text(max_size=60),
    strategies.text(alphabet="\ud800\udcff\x00\n,=%;:/@[]?#.*()+-_019aé٣", max_size=60),
    strategies.sampled_from(
        ["(?a)(?u)x", "(?L)x", "http://us[er@host", "http://[::1", "%", "=%zz", "1" * 5000, ",", "none,none"]
    ),
)


@pytest.mark.parametrize("variable", VALUES)
def test_each_variable_is_read_from_the_environment(variable: str) -> None:
    text, value = VALUES[variable]
    found, problems = read({variable: text})
    setting = Settings.declared[variable.partition("_")[2].lower()]
    assert problems == []
    assert setting.get(found) == value
    assert setting.get(found) != setting.default
    assert found.source(setting.attribute) == "environment"


def test_every_declared_variable_has_a_value_in_this_test() -> None:
    of_one_signal = {own for setting in Settings.declared.values() for own in of_signals(setting)}
    assert sorted(VALUES) == sorted(setting.variable for setting in Settings.declared.values() if setting not in of_one_signal)


def test_the_defaults_are_those_that_are_promised() -> None:
    found, problems = read({})
    assert problems == []
    assert not found.sources
    assert (found.traces_exporter, found.metrics_exporter, found.logs_exporter) == (("otlp",), ("otlp",), ("none",))
    assert (found.traces_sampler, found.propagators) == ("parentbased_always_on", ("tracecontext", "baggage"))
    assert found.trust_inbound
    assert (found.exporter_prometheus_host, found.exporter_prometheus_port) == ("localhost", 9464)
    assert (found.log_format, found.log_trace_id, found.log_mask) == ("keep", True, True)
    assert found.flush_timeout == 3.0
    assert found.exporter_otlp_compression == "gzip"
    assert found.instrumentation_http_capture_headers_server_request == ()
    assert (found.bsp_schedule_delay, found.bsp_max_queue_size, found.bsp_max_export_batch_size) == (5.0, 2048, 2048)
    assert found.blrp_schedule_delay == 1.0
    assert found.metric_export_interval == 60.0
    assert found.span_attribute_count_limit == 128
    assert not switched_off(found)
    traces, _ = otlp_settings(found, "traces")
    assert (traces.endpoint, traces.protocol) == ("http://localhost:4318/v1/traces", "http/protobuf")


@pytest.mark.parametrize("variable", WRONG)
def test_a_bad_value_leaves_the_default_and_is_said_in_one_line(variable: str) -> None:
    found, problems = read({variable: WRONG[variable], "OTEL_PROPAGATORS": "b3"})
    setting = Settings.declared[variable.partition("_")[2].lower()]
    assert setting.get(found) == setting.default
    assert found.propagators == ("b3",)
    assert len(problems) == 1
    line = str(problems[0])
    assert line.startswith(f"{variable}={WRONG[variable]!a} is not ")
    assert " used; " in line or " ignored; " in line
    assert line.isprintable()
    assert line.isascii()
    assert len(line) < 400


def test_a_problem_names_variable_value_problem_what_is_used_and_the_remedy() -> None:
    _, problems = read({"OTEL_TRACES_SAMPLER": "alwayson"})
    assert str(problems[0]) == (
        "OTEL_TRACES_SAMPLER='alwayson' is not one of always_on, always_off, traceidratio, parentbased_always_on, "
        "parentbased_always_off, parentbased_traceidratio; parentbased_always_on is used; did you mean always_on?"
    )
    _, problems = read({"OTEL_EXPORTER_OTLP_TIMEOUT": "10"})
    assert str(problems[0]) == (
        "OTEL_EXPORTER_OTLP_TIMEOUT='10' is not a whole number of milliseconds from 100 to 600000; 10000 is used; "
        "write milliseconds without a unit, 10000 for ten seconds"
    )


@pytest.mark.parametrize(
    ("environ", "used"),
    [
        ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "x", "OTEL_ATTRIBUTE_COUNT_LIMIT": "64"}, "64"),
        ({"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "x", "OTEL_EXPORTER_OTLP_TIMEOUT": "700"}, "700"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "://"}, "http://localhost:4318, for gRPC http://localhost:4317"),
        ({"OTEL_SERVICE_NAME": "\n\x01"}, "the program's name"),
        ({"OTEL_PYTHON_EXCLUDED_URLS": "("}, ""),
        ({"PLATFORM_INSTRUMENTATION_REDIS": "perhaps"}, ""),
    ],
)
def test_a_problem_says_what_really_holds_instead(environ: dict[str, str], used: str) -> None:
    _, problems = read(environ)
    assert [problem.used for problem in problems] == [used]


@given(
    strategies.dictionaries(
        strategies.sampled_from([setting.variable for setting in Settings.declared.values()]), TEXTS, max_size=6
    )
)
@settings(max_examples=400, deadline=None)
def test_no_text_in_any_variable_raises_here_or_where_the_value_is_shown_and_used(environ: dict[str, str]) -> None:
    environ.pop("PLATFORM_CONFIG_FILE", None)
    found, problems = read(environ)
    for problem in all_problems(found, problems):
        assert str(problem).isascii()
        assert str(problem).isprintable()
    assert all(isinstance(row.value, str) for row in rows(found))
    for signal in SIGNALS:
        otlp, _ = otlp_settings(found, signal)
        assert otlp.endpoint.startswith(("http://", "https://"))
        assert all(value.isascii() and value.isprintable() for value in otlp.headers.values())
    for texts in (found.resource_attributes, *found.resource_attributes.items()):
        assert "".join(texts).encode("utf-8") is not None


@given(strategies.dictionaries(strategies.text(max_size=40).map("OTEL_".__add__), TEXTS), strategies.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_no_name_of_a_variable_raises(environ: dict[str, str], name: str) -> None:
    _, problems = read({**environ, f"PLATFORM_{name}": "x", f"PLATFORM_INSTRUMENTATION_{name}": "true"})
    assert all(str(problem).isascii() for problem in problems)


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "a=b," * 250_000, "1" * 1_000_000, "%41" * 300_000, "(" * 1_000_000, "\udcff" * 1_000_000]
)
def test_a_megabyte_in_every_variable_is_read_in_bounded_time_and_said_in_bounded_lines(text: str) -> None:
    found, problems = read(dict.fromkeys(VALUES, text))
    assert all(len(str(problem)) < 1000 for problem in problems)
    assert found.python_excluded_urls == ()


def test_an_empty_variable_counts_as_not_set() -> None:
    found, problems = read(dict.fromkeys(VALUES, "  "))
    assert problems == []
    assert not found.sources


def test_a_limit_holds_for_its_particulars_where_they_are_not_set() -> None:
    found, _ = read(
        {"OTEL_ATTRIBUTE_COUNT_LIMIT": "9", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "3", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "5"}
    )
    assert (found.span_attribute_count_limit, found.event_attribute_count_limit, found.link_attribute_count_limit) == (9, 9, 3)
    assert found.span_attribute_value_length_limit == 5


def test_a_batch_larger_than_its_queue_is_cut_to_the_queue_and_said() -> None:
    found, problems = read({"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "20"})
    assert found.bsp_max_export_batch_size == 10
    assert str(problems[0]) == (
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE='20' is more than OTEL_BSP_MAX_QUEUE_SIZE; 10 is used; "
        "lower it, or raise OTEL_BSP_MAX_QUEUE_SIZE"
    )
    assert read({"OTEL_BSP_MAX_QUEUE_SIZE": "10"})[1] == []


def test_two_settings_objects_share_nothing() -> None:
    first, _ = read({"PLATFORM_INSTRUMENTATION_REDIS": "false", "OTEL_SERVICE_NAME": "one"})
    second, _ = read({})
    assert second.service_name is None
    assert second.instrumentation_switches == {}
    assert first.instrumentation_switches == {"redis": "off"}


def test_settings_of_single_libraries_are_kept_by_library() -> None:
    found, problems = read({"PLATFORM_INSTRUMENTATION_STD_LOGGING": "off", "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "/a,/b"})
    assert problems == []
    assert found.instrumentation_switches == {"std_logging": "off"}
    assert found.excluded_urls_by_library == {"flask": ("/a", "/b")}


@pytest.mark.parametrize(
    ("environ", "enabled"),
    [
        ({}, True),
        ({"PLATFORM_INSTRUMENTATIONS": "flask"}, False),
        ({"PLATFORM_INSTRUMENTATIONS": "flask,Redis"}, True),
        ({"PLATFORM_INSTRUMENTATIONS": "*"}, True),
        ({"PLATFORM_INSTRUMENTATIONS": "redis", "PLATFORM_DISABLED_INSTRUMENTATIONS": "redis"}, False),
        ({"PLATFORM_DISABLED_INSTRUMENTATIONS": "*"}, False),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "redis-py"}, False),
        ({"PLATFORM_DISABLED_INSTRUMENTATIONS": "*", "PLATFORM_INSTRUMENTATION_REDIS": "true"}, True),
        ({"PLATFORM_INSTRUMENTATION_REDIS": "false"}, False),
    ],
)
def test_allow_list_deny_lists_and_the_own_switch_go_over_each_other(environ: dict[str, str], enabled: bool) -> None:  # noqa: FBT001
    assert instrumentation_enabled(read(environ)[0], "redis", aliases=("redis.py",)) is enabled


@pytest.mark.parametrize("environ", [{"PLATFORM_ENABLED": "false"}, {"OTEL_SDK_DISABLED": "true"}])
def test_either_switch_switches_everything_off(environ: dict[str, str]) -> None:
    assert switched_off(read(environ)[0])


def test_secrets_are_never_shown_in_rows_or_problems() -> None:
    secret = "s3cr3t"
    long = "u" * 150
    environ = {
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={secret}",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": f"broken header {secret}",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": f"/keys/{secret}",
    }
    endpoints = [
        f"http://user:{secret}@host:4318",
        f"user:{secret}@host:4318",
        f"http:/user:{secret}@host",
        f"http://user:pass/{secret}@host:x",
        f"http://{long}:{secret}@",
        f"https://host:4318/v1?api-key={secret}",
        f"ftp://host?key={secret}",
    ]
    for endpoint in endpoints:
        found, problems = read({**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
        said = [str(problem) for problem in all_problems(found, problems)] + [row.value for row in rows(found)]
        assert not [text for text in said if secret in text], endpoint


def test_a_kind_says_what_fits_and_how_to_write_it() -> None:
    for setting in Settings.declared.values():
        assert setting.kind.what
        assert setting.kind.remedy


@given(strategies.text(max_size=50))
@settings(max_examples=200, deadline=None)
def test_percent_decoding_is_that_of_urllib_where_the_result_is_unicode(text: str) -> None:
    from urllib.parse import unquote

    decoded = kinds.unquote(text)
    assert decoded is None or decoded == unquote(text, errors="strict")
