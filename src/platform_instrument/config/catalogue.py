"""What each setting is for, in the words of `docs/settings.md` and `platform-instrument config`; never loaded at start."""

from __future__ import annotations

from platform_instrument.config.schema import setting_of
from platform_instrument.config.setting import SIGNALS

PROMISED = frozenset({
    "PLATFORM_DEBUG",
})  # fmt: skip
"""Settings that are read and checked but that nothing obeys yet."""

UNSET = {
    "OTEL_SERVICE_NAME": "the program's name",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318, for gRPC http://localhost:4317",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf; grpc where the endpoint's port is 4317",
    "OTEL_EXPORTER_OTLP_CERTIFICATE": "the system's certificates",
    "OTEL_TRACES_SAMPLER_ARG": "1",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "32768",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "as OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "PLATFORM_INSTRUMENTATIONS": "all",
    "PLATFORM_ADMIN_PORT": "none",
    "PLATFORM_MAX_OVERHEAD": "none",
}
"""What holds where a setting without a default of its own is not set."""

SECTIONS: dict[str, dict[str, str]] = {
    "On and off": {
        "PLATFORM_ENABLED": "`false`: nothing is patched and nothing is sent.",
        "PLATFORM_AUTO": "`1`: every Python program of this environment is instrumented at start.",
        "OTEL_SDK_DISABLED": "`true`: the same as `PLATFORM_ENABLED=false`.",
        "PLATFORM_INSTRUMENTATIONS": "The only libraries to instrument.",
        "PLATFORM_DISABLED_INSTRUMENTATIONS": "Libraries not to instrument, over the list above; `*` is all.",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "The same list under its upstream name; both hold.",
        "PLATFORM_CONFIG_FILE": "A YAML or TOML file with the settings below the environment.",
        "PLATFORM_DEBUG": "`true`: say on standard error what start-up does.",
        "PLATFORM_MAX_OVERHEAD": "`3%`: the share of its CPU time that a process spends on being observed is measured, and kept "
        "to this by leaving out what is missed least: [what](overhead.md).",
    },
    "The service": {
        "OTEL_SERVICE_NAME": "The name of the service, over `service.name` in the resource attributes.",
        "OTEL_RESOURCE_ATTRIBUTES": "Attributes of the service: `key=value,key=value`, values percent-encoded. A "
        "`service.instance.id` is that of the service's first process; others add the numbers of their slots.",
    },
    "Where telemetry goes": {
        "OTEL_TRACES_EXPORTER": "Where spans go.",
        "OTEL_METRICS_EXPORTER": "Where metrics go.",
        "OTEL_LOGS_EXPORTER": "Where log records go; standard output is collected nearly everywhere.",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "The collector; over HTTP, `/v1/traces` and so on is appended.",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "How it is spoken to; `grpc` needs the extra `[grpc]`, `http/json` is not supported.",
        "OTEL_EXPORTER_OTLP_HEADERS": "Headers to send: `name=value,name=value`, values percent-encoded; never shown.",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "Longest time for one attempt.",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "How bodies are packed.",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "PEM file of the authorities that are trusted.",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": "PEM file of the key for mutual TLS.",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "PEM file of the certificate for mutual TLS.",
        "OTEL_EXPORTER_OTLP_INSECURE": "`true`: gRPC without TLS, where the endpoint has no scheme.",
        "OTEL_EXPORTER_PROMETHEUS_HOST": "Address on which metrics can be scraped.",
        "OTEL_EXPORTER_PROMETHEUS_PORT": "Port on which metrics can be scraped, one for all workers; 0 is a free one.",
        "PLATFORM_PROMETHEUS_INSTANCE_LABEL": "Each worker keeps series of its own, told apart by `service_instance_id`.",
        "PLATFORM_PROMETHEUS_CLIENT_REGISTRY": "`true`: what the application registered with `prometheus_client` is scraped too, "
        "of the worker that answers, or of all by `PROMETHEUS_MULTIPROC_DIR`.",
    },
    "Traces": {
        "OTEL_TRACES_SAMPLER": "Which traces are kept; what is not kept still feeds the metrics.",
        "OTEL_TRACES_SAMPLER_ARG": "The share of traces kept by the `traceidratio` samplers.",
        "OTEL_PROPAGATORS": "Formats of trace context on the wire; others than the default two by entry point; `none`.",
        "PLATFORM_TRUST_INBOUND": "`false`, at the edge: callers' trace context is linked, not continued, their baggage dropped.",
        "PLATFORM_INTERNAL_HOSTS": "Further hosts, or `.suffixes`, that may be sent baggage; `*` is all.",
        "OTEL_PYTHON_ID_GENERATOR": "How trace and span ids are made: `random`, or the name of an entry point.",
        "OTEL_PYTHON_EXCLUDED_URLS": "Patterns of URLs that are left out of traces, with everything under them.",
        "OTEL_PYTHON_GRPC_EXCLUDED_SERVICES": "gRPC services whose calls are left out of traces, with everything under them; "
        "the metrics count them.",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "Headers of received requests that become attributes.",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "Headers of responses given that become attributes.",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": "Headers of requests made that become attributes.",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": "Headers of responses got that become attributes.",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "Captured headers whose values are masked.",
        "PLATFORM_SPAN_ATTRIBUTES_FROM_HEADERS": "Request headers that become attributes of the request's span, of the spans "
        "below it and of its log lines: `X-Tenant-ID` is `tenant.id`, `X-Plan=shop.plan` names another.",
        "PLATFORM_SPAN_ATTRIBUTES_FROM_BAGGAGE": "Baggage entries that do.",
        "PLATFORM_SPAN_ATTRIBUTES_FROM_CLAIMS": "Claims that do, of tokens that the service has verified by a library: "
        "`sub=user.id,realm_access.roles`.",
        "PLATFORM_REQUEST_ID": "`true`: each request has an id, its caller's or a new one, on its answer, its log lines, its "
        "span, and on what it sends to internal hosts.",
        "PLATFORM_REQUEST_ID_HEADER": "The header that carries it.",
        "PLATFORM_WEBSOCKETS": "`true`: a websocket of an ASGI server is a span, with the numbers of its messages.",
    },
    "Statements of databases": {
        "PLATFORM_DB_TRANSACTIONS": "`true`: commit and rollback are spans, too.",
        "PLATFORM_DB_REPEATED": "`false`: it is not counted how often a request executes the same statement.",
        "PLATFORM_SLOW_QUERY_MS": "A statement that takes so long says which line of the application issued it; 0: none does.",
        "PLATFORM_SQLCOMMENTER": "`true`: statements carry `traceparent` in a comment: [which](databases.md).",
    },
    "Metrics": {
        "OTEL_METRIC_EXPORT_INTERVAL": "Time between two exports.",
        "OTEL_METRIC_EXPORT_TIMEOUT": "Longest time for one export.",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "`delta`: counters and histograms count from export to export; "
        "`lowmemory`: all but observed ones do.",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "`base2_exponential_bucket_histogram`: buckets that fit "
        "themselves to what is measured.",
        "PLATFORM_METRICS_CARDINALITY_LIMIT": "Most attribute sets of one instrument; further ones are counted together.",
        "PLATFORM_METRICS_SERIES_LIMIT": "Most attribute sets of all instruments of a process.",
        "PLATFORM_METRICS_ATTRIBUTES": "Attributes of requests, such as `tenant.id`, that the metrics of HTTP servers carry too.",
        "OTEL_METRICS_EXEMPLAR_FILTER": "Which measurements may be kept as exemplars.",
        "PLATFORM_RUNTIME_METRICS": "`false`: nothing about process, garbage collector, event loops, thread pools and container.",
        "PLATFORM_CACHE_METRICS": "`true`: Django's caches and those of functions are measured: [which](databases.md#caches).",
    },
    "Privacy": {
        "PLATFORM_MASK": "What is masked, by kind: `mask` puts a label, `hash` a pseudonym, `off` lets it through; `ip` is off.",
        "PLATFORM_MASK_KEY": "What pseudonyms are made with; equal keys give equal values equal pseudonyms.",
        "PLATFORM_MASK_PATTERNS": "More to hide: patterns, or their group `value`; google-re2 runs them where it is installed.",
    },
    "Log lines": {
        "PLATFORM_LOG_TRACE_ID": "Lines printed inside a span carry its ids.",
        "PLATFORM_LOG_MASK": "Secrets and personal data in log lines are masked.",
        "PLATFORM_LOG_FORMAT": "`keep`: the service's own format; `text` and `json` replace it.",
        "PLATFORM_LOG_FLIGHT_RECORDER": "`true`: lines below the service's level are kept for each request, and printed "
        "if it fails or is slow.",
        "PLATFORM_LOG_FLIGHT_RECORDER_LOGGERS": "Whose lines: names of loggers, each with those below it; `-name` leaves "
        "out; `*` is all but those of libraries.",
        "PLATFORM_LOG_FLIGHT_RECORDER_LEVEL": "The lowest level that is kept.",
        "PLATFORM_LOG_FLIGHT_RECORDER_SLOW": "A request that takes so long has its lines printed, too; 0: none does for that.",
        "PLATFORM_LOG_FLIGHT_RECORDER_SIZE": "Bytes, about, that are kept of one request; later lines overwrite the oldest.",
        "PLATFORM_LOG_FLIGHT_RECORDER_RATE": "Requests a minute whose lines a process prints at most.",
        "PLATFORM_LOG_SAMPLE": "`true`: of lines that come too often some are left out, and counted: [how](log-sampling.md).",
        "PLATFORM_LOG_SAMPLE_OTLP": "`true`: of the records that are exported, too.",
        "PLATFORM_LOG_SAMPLE_LEVEL": "The highest level of which lines are left out; of errors none ever is.",
        "PLATFORM_LOG_SAMPLE_RATE": "Lines a second that are kept of one template, in each process.",
        "PLATFORM_LOG_SAMPLE_BURST": "Lines of it that are kept at once, after a pause.",
        "PLATFORM_LOG_SAMPLE_KEEP_TRACES": "`false`: lines of a trace that is kept may be left out too.",
        "PLATFORM_LOG_SAMPLE_EXCLUDED_LOGGERS": "Loggers, each with those below it, of which no line is left out.",
    },
    "Probes": {
        "PLATFORM_PROBES": "`true`: the service's port answers liveness, start-up and readiness, in front of the application.",
        "PLATFORM_PROBES_LIVENESS_PATH": "The process answers; nothing else is looked at.",
        "PLATFORM_PROBES_STARTUP_PATH": "503 until start-up is over.",
        "PLATFORM_PROBES_READINESS_PATH": "503 while the service is to be sent no requests.",
        "PLATFORM_PROBES_OVERRIDE": "`true`: these paths are ours where the application has routes of its own there, too.",
        "PLATFORM_ADMIN_PORT": "A port of the probes' own, one for all workers, answered by a thread; also without the above.",
        "PLATFORM_ADMIN_HOST": "Address of that port; a kubelet comes from outside the pod, so that there it is `0.0.0.0`.",
        "PLATFORM_READINESS": "`gate`: the service is not ready while a database or cache that it uses is down; `report`: that "
        "is shown and exported alone.",
        "PLATFORM_READINESS_CRITICAL": "Those that are gates all the same: `postgresql,redis:cache`, or the name of a check.",
        "PLATFORM_READINESS_CHECKS": "Further addresses to check, all of them gates: `tcp://db:5432,http://auth/healthz`.",
        "PLATFORM_READINESS_INTERVAL": "Time between two checks of one thing, give or take a fifth.",
        "PLATFORM_READINESS_TIMEOUT": "Longest time for one check, where it was not given a time of its own.",
        "PLATFORM_READINESS_FAILURES": "So many failures in a row make the service unready.",
        "PLATFORM_READINESS_SUCCESSES": "So many successes in a row make it ready again.",
    },
    "Queues": {
        "OTEL_BSP_SCHEDULE_DELAY": "Longest time a span waits before it is sent.",
        "OTEL_BSP_EXPORT_TIMEOUT": "Longest time for one export of spans.",
        "OTEL_BSP_MAX_QUEUE_SIZE": "Most spans that wait; more are lost, and counted.",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "Spans in one request at most; 512 that wait are sent before their time all the same.",
        "OTEL_BLRP_SCHEDULE_DELAY": "Longest time a log record waits before it is sent.",
        "OTEL_BLRP_EXPORT_TIMEOUT": "Longest time for one export of log records.",
        "OTEL_BLRP_MAX_QUEUE_SIZE": "Most log records that wait; more are lost, and counted.",
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "Most log records in one request.",
    },
    "Limits": {
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "Most characters of an attribute's value.",
        "OTEL_ATTRIBUTE_COUNT_LIMIT": "Most attributes of a span, an event or a link, where no limit below says otherwise.",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "Most characters of a span attribute's value.",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "Most attributes of a span.",
        "OTEL_SPAN_EVENT_COUNT_LIMIT": "Most events of a span.",
        "OTEL_SPAN_LINK_COUNT_LIMIT": "Most links of a span.",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "Most attributes of an event.",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "Most attributes of a link.",
    },
    "The end": {
        "PLATFORM_FLUSH_TIMEOUT": "Longest time that a leaving process spends on sending what is left.",
        "PLATFORM_SIGTERM_HANDLER": "`false`: a process killed by SIGTERM that has no handler of its own sends nothing more.",
        "PLATFORM_SHUTDOWN": "`true`: SIGTERM ends the service in one order, within the times below.",
        "PLATFORM_SHUTDOWN_DELAY": "Time that a process that serves goes on answering after it has said that it is not ready.",
        "PLATFORM_SHUTDOWN_HTTP_TIMEOUT": "Longest time for the requests in flight.",
        "PLATFORM_SHUTDOWN_GRPC_TIMEOUT": "Longest time for the calls of gRPC servers in flight, beside HTTP.",
        "PLATFORM_SHUTDOWN_FLUSH_TIMEOUT": "Longest time for sending what is left; the smaller of it and PLATFORM_FLUSH_TIMEOUT.",
        "PLATFORM_SHUTDOWN_CLOSE_TIMEOUT": "Longest time for closing pools of connections and what the application "
        "has registered.",
        "PLATFORM_SHUTDOWN_TIMEOUT": "Longest time for all of it: less than the 30 s after which Kubernetes kills.",
    },
}  # fmt: skip

LIBRARY_SETTINGS = {
    "PLATFORM_INSTRUMENTATION_<NAME>": "`native`, `contrib` for upstream's instrumentor, or `off`: one library, over all lists.",
    "OTEL_PYTHON_<LIBRARY>_EXCLUDED_URLS": "As `OTEL_PYTHON_EXCLUDED_URLS`, for one library, and instead of it.",
}
"""Settings whose variables name a library."""


def general(variable: str) -> tuple[str, str]:
    """Return the variable that a signal's own OTLP variable goes before, and the signal; any other is its own."""
    for signal in SIGNALS:
        part = f"_OTLP_{signal.upper()}_"
        if part in variable and setting_of(variable.replace(part, "_OTLP_")) is not None:
            return variable.replace(part, "_OTLP_"), signal
    return variable, ""
