"""A gRPC service with one unary method, that answers at a port."""

import sys
from concurrent import futures

import grpc

HANDLERS = grpc.method_handlers_generic_handler(
    "shop.Orders", {"Get": grpc.unary_unary_rpc_method_handler(lambda request, _context: request)}
)


def main() -> None:
    """Serve."""
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=(HANDLERS,))
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()


main()
