"""botocore, and boto3 above it: one CLIENT span an attempt of an operation of AWS, retries included; urllib3 below makes none.

Span: `{service}.{operation}`, such as `S3.PutObject`, to the end of an answer that is not streamed.
Metrics: `http.client.request.duration`, `http.client.request.body.size`, `http.client.response.body.size`.
Source: https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/, …/http/http-spans/#http-client (version 1.37.0);
botocore/endpoint.py `Endpoint._get_response`, botocore/awsrequest.py `AWSResponse` (1.29 to 1.44).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.errors import error_type
from platform_instrument.core.values import UNSEEN, Attributes, Instrumentation, Observe
from platform_instrument.engine.outbound import SOCKET_VERSIONS, Outbound, peer_of_socket, place_of
from platform_instrument.engine.readers import count_answer
from platform_instrument.engine.transfers import UNKNOWN, Transfer, size_of
from platform_instrument.semantics.aws import aws_answer, aws_operation

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from platform_instrument.core.values import Call

_OUTBOUND = Outbound("botocore")


def attempt(call: Call) -> Any:  # noqa: ANN401 - an operation and its attributes
    """Return which operation is called, of which service, and where."""
    request, model, context = call.argument(1, "request"), call.argument(2, "operation_model"), call.argument(3, "context")
    address, port = place_of(request.url)
    resent = context.get("retries", {}).get("attempt", 1) - 1
    _, attributes = _OUTBOUND.request(request.method, address, port, request.url, request.headers, resent)
    if attributes is not UNSEEN:
        attributes.update(_of_context(context))
    return aws_operation(str(model.service_model.service_id), model.name, request.method, address, port), attributes


def _of_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the region, and the bucket where the service is S3."""
    found = {"cloud.region": context.get("client_region"), "aws.s3.bucket": (context.get("s3_redirect") or {}).get("bucket")}
    return {name: value for name, value in found.items() if value}


def headers(call: Call) -> MutableMapping[str, str]:
    """Return the request's headers, which are signed already: the signature says nothing of those that are added."""
    carrier: MutableMapping[str, str] = call.argument(1, "request").headers
    return carrier


def answered(call: Call, result: Any) -> Attributes:  # noqa: ANN401 - a response and its content, or an exception
    """Return status and what the service says, or why there is no answer: exceptions are returned here, to be retried."""
    success, error = result
    if success is None:
        return {"error.type": error_type(error)}
    response, parsed = success
    raw = response.raw
    version = SOCKET_VERSIONS.get(getattr(raw, "version", 0), "")
    socket = getattr(getattr(raw, "_connection", None), "sock", None)
    attributes = _OUTBOUND.response(response.status_code, version, peer_of_socket(socket), response.headers)
    attributes.update(aws_answer(parsed))
    transfer = Transfer(call.span, attributes, _sent(call.argument(1, "request")))
    if response._content is None:  # noqa: SLF001 - a stream, which the application reads
        count_answer(getattr(raw, "_original_response", None), transfer, getattr(raw, "_fp_bytes_read", None))
    else:
        transfer.ended(len(response.content))
    return attributes


def _sent(request: Any) -> int | None:  # noqa: ANN401 - botocore.awsrequest.AWSPreparedRequest
    """Return the size of a request's body; a file is as long as its header says, since botocore seeks in it for a retry."""
    if not request.body:
        return None
    size = size_of(request.body)
    if size is None:
        declared = request.headers.get("Content-Length", "")
        size = int(declared) if declared.isdigit() else UNKNOWN
    return size


INSTRUMENTATION = Instrumentation(
    name="botocore",
    requires="botocore>=1.29,<2",
    patches=(Observe("botocore.endpoint:Endpoint._get_response", attempt, answered, None, headers),),
    family=families.HTTP_CLIENT,
    modules=("botocore",),
)
