"""What a gRPC unary call costs with its client and its server in one process: bare, by ours, by upstream's instrumentors.

Prints µs of CPU as JSON, and the share of upstream's added that ours adds. Both encode their spans as OTLP by the batch, and send
nothing; ours records its metrics, too. The three are measured in turn, in short pieces, of which the quick ones count.
"""

import json
from collections.abc import Callable, Sequence
from concurrent import futures
from time import process_time_ns

import grpc
import grpc._channel
import grpc._server
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient, GrpcInstrumentorServer
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from platform_instrument.config.read import read
from platform_instrument.core.guard import faults
from platform_instrument.core.values import Call
from platform_instrument.engine import apply
from platform_instrument.instrumentations import grpc_client, grpc_server
from platform_instrument.telemetry import choices, limits, pipeline
from platform_instrument.telemetry.otlp import SpanEncoder
from platform_instrument.telemetry.span import Span

ROUNDS = 60
TIMES = 256
QUICK = ROUNDS // 10
HANDLERS = grpc.method_handlers_generic_handler(
    "shop.Orders", {"Get": grpc.unary_unary_rpc_method_handler(lambda request, _context: request)}
)


class Encoded(SpanExporter):
    """Encodes what it is given, and drops it."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Encode."""
        encode_spans(spans).SerializeToString()
        return SpanExportResult.SUCCESS


def channel_to(handlers: tuple[grpc.GenericRpcHandler, ...]) -> grpc.Channel:
    """Return a channel to a server of one thread."""
    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    SERVERS.append(server)
    return grpc.insecure_channel(f"127.0.0.1:{port}")


def upstream() -> grpc.Channel:
    """Return a channel to a server, both of which upstream's instrumentors observe."""
    instrumentors = (GrpcInstrumentorClient(), GrpcInstrumentorServer())
    for instrumentor in instrumentors:
        instrumentor.instrument()
    made = channel_to((HANDLERS,))
    for instrumentor in instrumentors:
        instrumentor.uninstrument()
    return made


def call_us(channel: grpc.Channel, after: Callable[[], object]) -> float:
    """Return the CPU time of one call, both sides of it, and of what is to be done `after` a batch."""
    get = channel.unary_unary("/shop.Orders/Get")
    for _ in range(TIMES // 8):
        get(b"order")
    after()
    before = process_time_ns()
    for _ in range(TIMES):
        get(b"order")
    after()
    return (process_time_ns() - before) / TIMES / 1e3


def observed_us(channel: grpc.Channel) -> float:
    """Return the same, observed by ours."""
    names = [apply.install(module.INSTRUMENTATION).name for module in (grpc_client, grpc_server)]
    grpc_client.note(Call((channel, "127.0.0.1:50051"), {}), None)
    try:
        return call_us(channel, encode)
    finally:
        for name in names:
            apply.uninstall(name)


def encode() -> None:
    """Encode what waits."""
    if waiting:
        encoder.encode(waiting)
        waiting.clear()


SERVERS: list[grpc.Server] = []
waiting: list[Span] = []
encoder = SpanEncoder({"service.name": "bench"})
running = pipeline.PIPELINE = pipeline.Pipeline(read({})[0])
running.ended = limits.ENDED = waiting.append  # type: ignore[method-assign] # nobody delivers
choices.put_in_force(running.settings)
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(Encoded()))
trace.set_tracer_provider(provider)
plain, theirs = channel_to((HANDLERS,)), upstream()
rounds = [(call_us(plain, list), observed_us(plain), call_us(theirs, provider.force_flush)) for _ in range(ROUNDS)]
assert not faults()
bare, ours, others = [sorted(took)[QUICK] for took in zip(*rounds, strict=True)]
print(json.dumps({"bare": bare, "ours": ours, "upstream": others, "share": (ours - bare) / (others - bare)}))
for channel in (plain, theirs):
    channel.close()
for server in SERVERS:
    server.stop(None).wait()
