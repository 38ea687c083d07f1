"""What a gRPC call is called, which attributes its span and its metrics carry, and which codes are errors to whom.

Source: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/ and rpc-metrics (version 1.37.0; durations in seconds, as later
versions have them); https://grpc.github.io/grpc/core/md_doc_naming.html, doc/statuscodes.md.
"""

from __future__ import annotations

from typing import Any

from platform_instrument.core.values import CLIENT, SERVER, Instrument, Operation
from platform_instrument.semantics.http import SERVER_DURATION as HTTP_DURATION
from platform_instrument.semantics.http import SERVER_REQUEST_SIZE as HTTP_SIZE

CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
"""The names of the codes by their numbers."""
OK, CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 0, 1, 2, 4, 8, 12, 13
SERVER_ERRORS = frozenset((2, 4, 12, 13, 14, 15))
"""The codes that are the server's own fault; to a client, all but OK are errors."""

REQUESTS, RESPONSES = "requests", "responses"
"""Under which the metrics are told how many messages a stream had."""

_LONGEST = 256
_LARGEST_PORT = 65_535
_MESSAGES = (0.0, *[float(4**power) for power in range(9)])
_OF_METHOD = ("rpc.system", "rpc.service", "rpc.method")
_OF_CLIENT = (*_OF_METHOD, "server.address", "server.port")
_CODE, _ERROR = "rpc.grpc.status_code", "error.type"
_SOCKETS = frozenset(("unix", "unix-abstract"))
_SCHEMES = frozenset(("dns", "ipv4", "ipv6", "passthrough", "vsock", "xds"))


def _sizes(side: str, of: str, constant: tuple[str, ...]) -> Instrument:
    return Instrument(
        f"rpc.{side}.{of}.size",
        f"Size of the {of} messages, uncompressed.",
        unit="By",
        constant=constant,
        bounds=HTTP_SIZE.bounds,
    )


def _counts(side: str, of: str, constant: tuple[str, ...]) -> Instrument:
    return Instrument(
        f"rpc.{side}.{of}_per_rpc", f"Number of {of} of a stream.", unit="{count}", constant=(*constant, _CODE, _ERROR),
        bounds=_MESSAGES, value=of,
    )  # fmt: skip


def _durations(side: str, constant: tuple[str, ...], *along: Instrument) -> Instrument:
    return Instrument(
        f"rpc.{side}.call.duration", f"Duration of gRPC calls, as the {side} has it.", constant=(*constant, _CODE, _ERROR),
        bounds=HTTP_DURATION.bounds, along=along,
    )  # fmt: skip


CLIENT_REQUESTS = _counts("client", REQUESTS, _OF_CLIENT)
CLIENT_RESPONSES = _counts("client", RESPONSES, _OF_CLIENT)
CLIENT_DURATION = _durations("client", _OF_CLIENT, CLIENT_REQUESTS, CLIENT_RESPONSES)
CLIENT_REQUEST_SIZE = _sizes("client", "request", _OF_CLIENT)
CLIENT_RESPONSE_SIZE = _sizes("client", "response", _OF_CLIENT)
SERVER_REQUESTS = _counts("server", REQUESTS, _OF_METHOD)
SERVER_RESPONSES = _counts("server", RESPONSES, _OF_METHOD)
SERVER_DURATION = _durations("server", _OF_METHOD, SERVER_REQUESTS, SERVER_RESPONSES)
SERVER_REQUEST_SIZE = _sizes("server", "request", _OF_METHOD)
SERVER_RESPONSE_SIZE = _sizes("server", "response", _OF_METHOD)


def client_operation(method: str, address: str, port: int | None) -> Operation:
    """Return the operation of the calls of a method, such as `/shop.Orders/Get`, at one place."""
    name, attributes = _named(method)
    if address:
        attributes["server.address"] = address
    if port is not None:
        attributes["server.port"] = port
    return Operation(name, CLIENT, attributes, CLIENT_DURATION)


def server_operation(method: str) -> Operation:
    """Return the operation of the calls of a method that are served."""
    name, attributes = _named(method)
    return Operation(name, SERVER, attributes, SERVER_DURATION)


def _named(method: str) -> tuple[str, dict[str, Any]]:
    name = method.removeprefix("/")[:_LONGEST]
    service, _, last = name.rpartition("/")
    return name, {"rpc.system": "grpc", "rpc.service": service, "rpc.method": last}


def outcome(operation: Operation, code: int | None, error: str = "") -> Operation:
    """Return what a call is that ended with a code, or without one; the type of an error is told instead of the code's.

    An answer is a part of what a call is, too: there are few, and what is the same for each call is encoded once.
    """
    attributes = dict(operation.attributes)
    if code is not None:
        attributes[_CODE] = code
        if code in SERVER_ERRORS if operation.kind == SERVER else code:
            attributes[_ERROR] = error or (CODES[code] if 0 <= code < len(CODES) else str(code))
    elif error:
        attributes[_ERROR] = error
    return Operation(operation.name, operation.kind, attributes, operation.duration)


def place_of(target: str) -> tuple[str, int | None]:
    """Return address and port of a channel's target or of a peer; of several the first, of a socket's file its path."""
    scheme, colon, rest = target.partition(":")
    if colon and scheme in _SOCKETS:
        return rest.removeprefix("//"), None
    endpoint = target
    if rest.startswith("//"):
        endpoint = rest[2:].partition("/")[2] or rest[2:]
    elif scheme in _SCHEMES:
        endpoint = rest
    first = endpoint.partition(",")[0].replace("%5B", "[").replace("%5D", "]")
    address, _, port = first.rpartition(":")
    if address and _is_port(port) and (":" not in address or address.startswith("[")):
        return address.strip("[]"), int(port)
    return first.strip("[]"), None


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(_LARGEST_PORT)) and int(text) <= _LARGEST_PORT
