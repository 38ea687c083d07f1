"""A gRPC client that calls, forks, and calls on in parent and child; the server is in a process of its own."""

import json
import os
import subprocess
import sys

SERVER = """
import sys
from concurrent import futures
import grpc
class Any(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, _context: request)
server = grpc.server(futures.ThreadPoolExecutor(2), handlers=(Any(),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
sys.stdin.read()
server.stop(None).wait()
"""


def main() -> None:
    """Call before and after a fork."""
    bare = {**os.environ, "PLATFORM_ENABLED": "false"}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=bare
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        import grpc

        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        in_parent = channel.unary_unary("/shop.Orders/InParent")
        said = [in_parent(b"before", timeout=10).decode()]
        child = os.fork()
        if not child:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as own:
                own.unary_unary("/shop.Orders/InChild")(b"child", timeout=10)
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        said.append(in_parent(b"after", timeout=10).decode())
        channel.close()
        server.stdin.close()
    print(json.dumps([*said, status]))  # noqa: T201 - what the test reads


main()
