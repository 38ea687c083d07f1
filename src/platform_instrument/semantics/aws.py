"""What a call of AWS is: an attempt over HTTP that is called like the operation, with the attributes of both conventions.

Source: https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/ (version 1.37.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import CLIENT, Operation
from platform_instrument.semantics.http import client_operation

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_OPERATIONS = 2_000
_LONGEST_CODE = 128

_operations: dict[tuple[str, str, str, str, int], Operation] = {}


def aws_operation(service: str, operation: str, method: str, address: str, port: int) -> Operation:
    """Return what the attempts of an operation have in common; its metrics are those of HTTP."""
    key = (service, operation, method, address, port)
    found = _operations.get(key)
    if found is None:
        http = client_operation(method, address, port)
        attributes = {**http.attributes, "rpc.system": "aws-api", "rpc.service": service, "rpc.method": operation}
        found = Operation(f"{service}.{operation}", CLIENT, attributes, http.duration)
        if len(_operations) >= _MOST_OPERATIONS:
            _operations.clear()
        _operations[key] = found
    return found


def aws_answer(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an answer says of itself; `error.type` is the service's own code, such as `NoSuchKey`."""
    metadata = parsed.get("ResponseMetadata") or {}
    attributes = {"aws.request_id": metadata.get("RequestId"), "aws.extended_request_id": metadata.get("HostId")}
    code = (parsed.get("Error") or {}).get("Code")
    if code:
        attributes["error.type"] = str(code)[:_LONGEST_CODE]
    return {name: value for name, value in attributes.items() if value}
