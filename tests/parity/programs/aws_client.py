"""boto3 against moto's server."""

from __future__ import annotations

import io

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError
from moto.server import ThreadedMotoServer
from steps import HOST, PORT, step

server = ThreadedMotoServer(HOST, PORT, verbose=False)
server.start()
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "s3cret", "region_name": "eu-central-1"}
WHERE = {**KEYS, "endpoint_url": f"http://{HOST}:{PORT}", "config": Config(retries={"max_attempts": 0})}

s3 = boto3.client("s3", **WHERE)
with step("create bucket"):
    s3.create_bucket(Bucket="parity", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
with step("put object"):
    s3.put_object(Bucket="parity", Key="milk", Body=io.BytesIO(b"white"))
with step("list buckets"):
    s3.list_buckets()
with step("no object", raises=ClientError):
    s3.get_object(Bucket="parity", Key="tea")

dynamodb = boto3.client("dynamodb", **WHERE)
with step("create table"):
    dynamodb.create_table(
        TableName="parity",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
with step("put item"):
    dynamodb.put_item(TableName="parity", Item={"id": {"S": "milk"}})
with step("query"):
    dynamodb.query(
        TableName="parity",
        KeyConditionExpression="id = :id",
        ExpressionAttributeValues={":id": {"S": "milk"}},
    )
with step("no table", raises=ClientError):
    dynamodb.get_item(TableName="none", Key={"id": {"S": "milk"}})

sqs = boto3.client("sqs", **WHERE)
with step("create queue"):
    queue = sqs.create_queue(QueueName="parity")["QueueUrl"]
with step("send message"):
    sqs.send_message(QueueUrl=queue, MessageBody="milk")
with step("receive message"):
    sqs.receive_message(QueueUrl=queue)

sns = boto3.client("sns", **WHERE)
with step("create topic"):
    topic = sns.create_topic(Name="parity")["TopicArn"]
with step("publish"):
    sns.publish(TopicArn=topic, Message="milk")

with step("nobody there", raises=EndpointConnectionError):
    boto3.client("s3", **{**WHERE, "endpoint_url": f"http://{HOST}:1"}).list_buckets()
server.stop()
