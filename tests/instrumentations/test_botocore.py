"""botocore and boto3 against moto's server, in a process of its own."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.testing.contract import InstrumentationContract
from tests.instrumentations.http_server import serving
from tests.instrumentations.outbound import DURATION
from tests.instrumentations.recording import inside, recording
from tests.instrumentations.transfers import REQUEST, RESPONSE, points
from tests.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.recorder import Recorder

boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto")

from botocore.config import Config  # noqa: E402 - where there is any
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError  # noqa: E402 - as above

MODULES = ("botocore", "urllib3", "std_http_client")
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "s3cret", "region_name": "eu-central-1"}


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ})
    try:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording(*MODULES) as recorder:
        yield recorder


def client(service: str, url: str, **options: Any) -> Any:
    options = {"retries": {"mode": "standard", "total_max_attempts": 1}, "s3": {"addressing_style": "path"}, **options}
    return boto3.client(service, endpoint_url=url, config=Config(**options), **KEYS)


def test_a_call_is_one_span_with_the_attributes_of_both_conventions_and_counts_as_http(recorder: Recorder, aws: str) -> None:
    s3 = client("s3", aws)
    s3.create_bucket(Bucket="orders", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    with inside() as parent:
        s3.put_object(Bucket="orders", Key="first", Body=b"three teapots")
    span = recorder.spans[-1]
    assert len(recorder.spans) == 2
    attributes = dict(span.attributes)
    assert attributes.pop("aws.request_id")
    attributes.pop("aws.extended_request_id", None)
    port = int(aws.rpartition(":")[2])
    assert attributes.pop("aws.s3.bucket", "orders") == "orders"
    assert attributes == {
        "rpc.system": "aws-api",
        "rpc.service": "S3",
        "rpc.method": "PutObject",
        "cloud.region": "eu-central-1",
        "http.request.method": "PUT",
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.full": f"{aws}/orders/first",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }
    assert (span.name, span.kind, span.status, span.scope.name) == (
        "S3.PutObject",
        "CLIENT",
        "UNSET",
        "platform_instrument.botocore",
    )
    assert span.parent_id == f"{parent.span_id:016x}"
    assert "s3cret" not in str(recorder.spans)
    assert recorder.durations(DURATION) == {
        (
            ("http.request.method", "PUT"),
            ("http.response.status_code", 200),
            ("network.protocol.version", "1.1"),
            ("server.address", "127.0.0.1"),
            ("server.port", port),
        ): 2
    }


def test_an_error_is_called_as_the_service_calls_it(recorder: Recorder, aws: str) -> None:
    with pytest.raises(ClientError):
        client("s3", aws).get_object(Bucket="nobodys", Key="x")
    with pytest.raises(ClientError):
        client("dynamodb", aws).get_item(TableName="nobodys", Key={"id": {"S": "s3cret"}})
    s3, dynamodb = recorder.spans
    assert (s3.name, s3.attributes["http.response.status_code"]) == ("S3.GetObject", 404)
    assert (s3.status, s3.attributes["error.type"]) == ("ERROR", "NoSuchBucket")
    assert (dynamodb.name, dynamodb.attributes["http.response.status_code"]) == ("DynamoDB.GetItem", 400)
    assert (dynamodb.status, dynamodb.attributes["error.type"]) == ("ERROR", "ResourceNotFoundException")
    assert "s3cret" not in str(recorder.spans)


def test_each_retry_is_an_attempt_of_its_own(recorder: Recorder) -> None:
    with serving() as failing:
        dynamodb = client("dynamodb", f"{failing.url}/status/503", retries={"mode": "standard", "total_max_attempts": 2})
        with pytest.raises(ClientError):
            dynamodb.list_tables()
    assert [span.attributes.get("http.request.resend_count") for span in recorder.spans] == [None, 1]
    assert {(span.name, span.attributes["http.response.status_code"]) for span in recorder.spans} == {
        ("DynamoDB.ListTables", 503)
    }


def test_a_service_that_cannot_be_reached_is_an_error_of_its_kind(recorder: Recorder) -> None:
    with pytest.raises(EndpointConnectionError):
        client("sqs", f"http://127.0.0.1:{free_port()}").list_queues()
    (span,) = recorder.spans
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "botocore.exceptions.EndpointConnectionError")


def test_a_call_that_is_never_sent_leaves_no_span(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(NoCredentialsError):
        boto3.client("sqs", region_name="eu-central-1", endpoint_url="http://127.0.0.1:1").list_queues()
    assert recorder.spans == ()


def test_trace_context_is_sent_and_the_signature_holds(recorder: Recorder) -> None:
    with serving() as server, inside({"tenant": "blue"}):
        client("dynamodb", server.url).list_tables()
        assert server.last["traceparent"] == f"00-{recorder.spans[0].trace_id}-{recorder.spans[0].span_id}-01"
        assert server.last["baggage"] == "tenant=blue"
        signed = server.last["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert not {"traceparent", "baggage"} & set(signed)


@pytest.mark.parametrize(
    ("body", "reads"), [(b"b" * 5_000, True), (b"", True), (b"b" * 3_000_000, True), (b"b" * 3_000_000, False)]
)
def test_bodies_are_measured_streamed_ones_when_they_were_read(body: bytes, reads: bool, aws: str) -> None:  # noqa: FBT001
    s3 = client("s3", aws)
    bucket = uuid.uuid4().hex
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket=bucket, Key="x", Body=body)
    with recording(*MODULES):
        stream = s3.get_object(Bucket=bucket, Key="x")["Body"]
        if reads:
            assert stream.read() == body
            assert [(point.count, point.sum) for point in points(RESPONSE)] == [(1, len(body))]
        else:
            stream.read(1_000)
            stream.close()
            ((count, size),) = [(point.count, point.sum) for point in points(RESPONSE)]
            assert (count, 1_000 <= size < len(body)) == (1, True)


def test_an_upload_is_measured_and_a_file_is_rewound_for_its_retry(recorder: Recorder) -> None:
    options = {"request_checksum_calculation": "when_required"} if hasattr(Config(), "request_checksum_calculation") else {}
    with serving() as failing:
        s3 = client("s3", f"{failing.url}/status/503", retries={"mode": "standard", "total_max_attempts": 2}, **options)
        with pytest.raises(ClientError):
            s3.put_object(Bucket="orders", Key="x", Body=io.BytesIO(b"f" * 20_000))
    assert [(point.count, point.sum) for point in points(REQUEST)] == [(2, 40_000)]
    assert len(recorder.spans) == 2


class TestContract(InstrumentationContract):
    declared_in = "platform_instrument.instrumentations.botocore"

    @pytest.fixture(autouse=True)
    def _aws(self, aws: str) -> None:
        self.aws = aws

    def exercise(self) -> None:
        client("s3", self.aws).list_buckets()
        with pytest.raises(ClientError):
            client("s3", self.aws).get_object(Bucket="nobodys", Key="x")
