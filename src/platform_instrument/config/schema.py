"""Every setting: its variable, its kind, its default. What each is for stands in `config.catalogue`.

An attribute of `Settings` is called like its variable, in lower case and without the prefix `OTEL_` or `PLATFORM_`.
Durations are in seconds, whatever the unit of the variable. Start path: imports only what a bare interpreter already has.
"""

from __future__ import annotations

from platform_instrument.config import kinds
from platform_instrument.config.setting import SIGNALS, Found, LibrarySetting, Schema, Setting, of_signal, otel, platform

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Mapping

INSTANCE_ID = "service.instance.id"


_COUNT, _QUEUE, _SECONDS = kinds.whole(0), kinds.whole(1, 1_000_000), kinds.number(0, 3_600, unit="s")
_INTERVAL = kinds.milliseconds(1, 3_600_000)
_QUIET = ("grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
_BUCKETS, _ROOT = ("explicit_bucket_histogram", "base2_exponential_bucket_histogram"), ("always_on", "always_off", "traceidratio")
_SAMPLERS = kinds.one_of_or_plugin("opentelemetry_traces_sampler", *_ROOT, *["parentbased_" + root for root in _ROOT])


class Settings(Found, metaclass=Schema):
    """The settings in force; made without arguments, all defaults."""

    # On and off
    enabled = platform(True, kinds.FLAG)
    auto = platform(False, kinds.FLAG)
    sdk_disabled = otel(False, kinds.STRICT_FLAG)
    instrumentations: tuple[str, ...] | None = platform(None, kinds.INSTRUMENTATIONS)
    disabled_instrumentations: tuple[str, ...] = platform((), kinds.INSTRUMENTATIONS)
    python_disabled_instrumentations: tuple[str, ...] = otel((), kinds.INSTRUMENTATIONS)
    config_file: str | None = platform(None, kinds.PATH)
    debug = platform(False, kinds.FLAG)
    max_overhead: float | None = platform(None, kinds.SHARE)

    # The service
    service_name: str | None = otel(None, kinds.TEXT)
    resource_attributes: Mapping[str, str] = otel({}, kinds.PAIRS)

    # Where telemetry goes
    traces_exporter: tuple[str, ...] = otel(("otlp",), kinds.listed(("otlp", "console", "none")))
    metrics_exporter: tuple[str, ...] = otel(("otlp",), kinds.listed(("otlp", "prometheus", "console", "none")))
    logs_exporter: tuple[str, ...] = otel(("none",), kinds.listed(("otlp", "console", "none")))
    exporter_otlp_endpoint: str | None = otel(None, kinds.ENDPOINT, signals=True)
    exporter_otlp_protocol: str | None = otel(None, kinds.one_of("http/protobuf", "grpc", "http/json"), signals=True)
    exporter_otlp_headers: Mapping[str, str] = otel({}, kinds.HEADERS, signals=True)
    exporter_otlp_timeout = otel(10.0, kinds.milliseconds(100, 600_000), signals=True)
    exporter_otlp_compression = otel("gzip", kinds.one_of("gzip", "none"), signals=True)
    exporter_otlp_certificate: str | None = otel(None, kinds.PATH, signals=True)
    exporter_otlp_client_key: str | None = otel(None, kinds.KEY_FILE, signals=True)
    exporter_otlp_client_certificate: str | None = otel(None, kinds.PATH, signals=True)
    exporter_otlp_insecure = otel(False, kinds.STRICT_FLAG, signals=True)
    exporter_prometheus_host = otel("localhost", kinds.TEXT)
    exporter_prometheus_port = otel(9464, kinds.whole(0, 65_535))
    prometheus_instance_label = platform(False, kinds.FLAG)
    prometheus_client_registry = platform(False, kinds.FLAG)

    # Traces
    traces_sampler = otel("parentbased_always_on", _SAMPLERS)
    traces_sampler_arg: float | None = otel(None, kinds.number(0, 1))
    propagators: tuple[str, ...] = otel(("tracecontext", "baggage"), kinds.listed())
    trust_inbound = platform(True, kinds.FLAG)
    internal_hosts: tuple[str, ...] = platform((), kinds.listed())
    python_id_generator = otel("random", kinds.TEXT)
    python_excluded_urls: tuple[str, ...] = otel((), kinds.PATTERNS)
    python_grpc_excluded_services: tuple[str, ...] = otel(_QUIET, kinds.listed(lower=False))
    instrumentation_http_capture_headers_server_request: tuple[str, ...] = otel((), kinds.PATTERNS)
    instrumentation_http_capture_headers_server_response: tuple[str, ...] = otel((), kinds.PATTERNS)
    instrumentation_http_capture_headers_client_request: tuple[str, ...] = otel((), kinds.PATTERNS)
    instrumentation_http_capture_headers_client_response: tuple[str, ...] = otel((), kinds.PATTERNS)
    instrumentation_http_capture_headers_sanitize_fields: tuple[str, ...] = otel((), kinds.PATTERNS)
    span_attributes_from_headers: tuple[str, ...] = platform((), kinds.NAMED_HEADERS)
    span_attributes_from_baggage: tuple[str, ...] = platform((), kinds.NAMED)
    span_attributes_from_claims: tuple[str, ...] = platform((), kinds.NAMED)
    request_id = platform(False, kinds.FLAG)
    request_id_header = platform("X-Request-ID", kinds.HEADER)
    websockets = platform(False, kinds.FLAG)
    db_transactions = platform(False, kinds.FLAG)
    db_repeated = platform(True, kinds.FLAG)
    slow_query_ms = platform(0.0, kinds.milliseconds(0, 3_600_000))
    sqlcommenter = platform(False, kinds.FLAG)

    # Metrics
    metric_export_interval = otel(60.0, _INTERVAL)
    metric_export_timeout = otel(30.0, _INTERVAL)
    exporter_otlp_metrics_temporality_preference = otel("cumulative", kinds.one_of("cumulative", "delta", "lowmemory"))
    exporter_otlp_metrics_default_histogram_aggregation = otel(_BUCKETS[0], kinds.one_of(*_BUCKETS))
    metrics_cardinality_limit = platform(2_000, kinds.whole(1, 100_000))
    metrics_series_limit = platform(10_000, kinds.whole(1, 1_000_000))
    metrics_attributes: tuple[str, ...] = platform((), kinds.listed(lower=False))
    metrics_exemplar_filter = otel("trace_based", kinds.one_of("trace_based", "always_on", "always_off"))
    runtime_metrics = platform(True, kinds.FLAG)
    cache_metrics = platform(False, kinds.FLAG)

    # Privacy
    mask: Mapping[str, str] = platform({}, kinds.MASKING)
    mask_key: str | None = platform(None, kinds.SECRET)
    mask_patterns: tuple[str, ...] = platform((), kinds.PATTERNS)

    # Log lines
    log_trace_id = platform(True, kinds.FLAG)
    log_mask = platform(True, kinds.FLAG)
    log_format = platform("keep", kinds.one_of("keep", "text", "json"))
    log_flight_recorder = platform(False, kinds.FLAG)
    log_flight_recorder_loggers: tuple[str, ...] = platform(("*",), kinds.listed(lower=False))
    log_flight_recorder_level = platform("debug", kinds.one_of("debug", "info"))
    log_flight_recorder_slow = platform(10.0, kinds.number(0, 86_400, unit="s"))
    log_flight_recorder_size = platform(65_536, kinds.whole(16_384, 16_777_216))
    log_flight_recorder_rate = platform(60, kinds.whole(1, 1_000_000))
    log_sample = platform(False, kinds.FLAG)
    log_sample_otlp = platform(False, kinds.FLAG)
    log_sample_level = platform("info", kinds.one_of("debug", "info", "warning"))
    log_sample_rate = platform(10.0, kinds.number(0.001, 1_000_000))
    log_sample_burst = platform(100, kinds.whole(1, 1_000_000))
    log_sample_keep_traces = platform(True, kinds.FLAG)
    log_sample_excluded_loggers: tuple[str, ...] = platform((), kinds.listed(lower=False))

    # Probes
    probes = platform(False, kinds.FLAG)
    probes_liveness_path = platform("/livez", kinds.URL_PATH)
    probes_startup_path = platform("/startupz", kinds.URL_PATH)
    probes_readiness_path = platform("/readyz", kinds.URL_PATH)
    probes_override = platform(False, kinds.FLAG)
    admin_port: int | None = platform(None, kinds.whole(1, 65_535))
    admin_host = platform("localhost", kinds.TEXT)
    readiness = platform("report", kinds.one_of("report", "gate"))
    readiness_critical: tuple[str, ...] = platform((), kinds.listed(lower=False))
    readiness_checks: tuple[str, ...] = platform((), kinds.TARGETS)
    readiness_interval = platform(5.0, kinds.number(0.1, 3_600, unit="s"))
    readiness_timeout = platform(2.0, kinds.number(0.05, 60, unit="s"))
    readiness_failures = platform(3, kinds.whole(1, 100))
    readiness_successes = platform(2, kinds.whole(1, 100))

    # Queues
    bsp_schedule_delay = otel(5.0, _INTERVAL)
    bsp_export_timeout = otel(30.0, _INTERVAL)
    bsp_max_queue_size = otel(2048, _QUEUE)
    bsp_max_export_batch_size = otel(2048, _QUEUE)
    blrp_schedule_delay = otel(1.0, _INTERVAL)
    blrp_export_timeout = otel(30.0, _INTERVAL)
    blrp_max_queue_size = otel(2048, _QUEUE)
    blrp_max_export_batch_size = otel(512, _QUEUE)

    # Limits
    attribute_value_length_limit: int | None = otel(None, _COUNT)
    attribute_count_limit = otel(128, _COUNT)
    span_attribute_value_length_limit: int | None = otel(None, _COUNT, general="attribute_value_length_limit")
    span_attribute_count_limit = otel(128, _COUNT, general="attribute_count_limit")
    span_event_count_limit = otel(128, _COUNT)
    span_link_count_limit = otel(128, _COUNT)
    event_attribute_count_limit = otel(128, _COUNT, general="attribute_count_limit")
    link_attribute_count_limit = otel(128, _COUNT, general="attribute_count_limit")

    # The end
    flush_timeout = platform(3.0, kinds.number(0, 300, unit="s"))
    sigterm_handler = platform(True, kinds.FLAG)
    shutdown = platform(False, kinds.FLAG)
    shutdown_delay = platform(5.0, _SECONDS)
    shutdown_http_timeout = platform(10.0, _SECONDS)
    shutdown_grpc_timeout = platform(5.0, _SECONDS)
    shutdown_flush_timeout = platform(3.0, _SECONDS)
    shutdown_close_timeout = platform(2.0, _SECONDS)
    shutdown_timeout = platform(27.0, _SECONDS)

    def source(self, attribute: str) -> str:
        """Return where a setting came from: `environment`, `file` or `default`."""
        return self.sources.get(attribute, "default")


def setting_of(variable: str) -> Setting | None:
    """Return the setting behind a variable, None where there is none."""
    name = variable.lower()
    setting = Settings.declared.get(name.partition("_")[2])
    if setting is not None and setting.variable == variable:
        return setting
    if name.startswith("platform_instrumentation_"):
        library = name[len("platform_instrumentation_") :]
        return LibrarySetting("PLATFORM_", name[9:], kinds.OWNER, "instrumentation_switches", library) if library else None
    if name.startswith("otel_python_") and name.endswith("_excluded_urls"):
        library = name[len("otel_python_") : -len("_excluded_urls")]
        return LibrarySetting("OTEL_", name[5:], kinds.PATTERNS, "excluded_urls_by_library", library) if library else None
    return None


def of_signals(setting: Setting) -> tuple[Setting, ...]:
    """Return the settings that hold for one signal alone instead of this general one."""
    return tuple(Settings.declared[of_signal(setting.attribute, signal)] for signal in SIGNALS if setting.signals)


def switched_off(settings: Settings) -> bool:
    """Say whether nothing at all is to be patched."""
    return settings.sdk_disabled or not settings.enabled
