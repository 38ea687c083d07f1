"""A gRPC server that answers each call but one with what it was sent: `grpc_shop.py PORT [KEY CHAIN ROOTS]`."""

from __future__ import annotations

import sys
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, handler_call_details: Any) -> Any:
        if handler_call_details.method.endswith("/Nothing"):
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, _context: request)


server = grpc.server(futures.ThreadPoolExecutor(4), handlers=(Echo(),))
place = f"127.0.0.1:{sys.argv[1]}"
if len(sys.argv) > 2:
    key, chain, roots = [Path(name).read_bytes() for name in sys.argv[2:]]
    server.add_secure_port(place, grpc.ssl_server_credentials([(key, chain)], roots, require_client_auth=True))
else:
    server.add_insecure_port(place)
server.start()
server.wait_for_termination()
