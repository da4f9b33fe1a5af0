"""Creates the buckets, the queues and the table that compose's services use, each where it is not there yet.

The service runs this whenever it answers anew: what is in a bucket outlives it, and queues and tables do not.
"""

import json
import os
import time
import urllib.error
import urllib.request

URL = f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}"
JOBS = os.environ["JOBS"]
DAY = 24 * 3600


def wait(seconds: float = 180) -> None:
    """Until the service listens."""
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(f"{URL}/_ministack/health", timeout=10).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def ask(service: str, target: str, **arguments: object) -> dict[str, object]:
    """One call of SQS or DynamoDB by its JSON protocol; the service holds no signature against anything."""
    scope = f"Credential=local/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": target}
    headers["authorization"] = f"AWS4-HMAC-SHA256 {scope}"
    request = urllib.request.Request(URL, json.dumps(arguments).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as exc:
        told = exc.read()
        if b"ResourceInUseException" in told:  # the table is there
            return {}
        raise RuntimeError(told.decode()) from exc


def make_queue(name: str, **attributes: str) -> str:
    return str(ask("sqs", "AmazonSQS.CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"])


wait()
for bucket in os.environ["BUCKETS"].split():
    try:
        urllib.request.urlopen(urllib.request.Request(f"{URL}/{bucket}", method="PUT"), timeout=10)
    except urllib.error.HTTPError as exc:
        if b"BucketAlreadyOwnedByYou" not in exc.read():
            raise
dead = make_queue(f"{JOBS}-dead", MessageRetentionPeriod=str(14 * DAY))
arn = ask("sqs", "AmazonSQS.GetQueueAttributes", QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 10})
make_queue(JOBS, MessageRetentionPeriod=str(10 * DAY), VisibilityTimeout="180", RedrivePolicy=redrive)
ask(
    "dynamodb",
    "DynamoDB_20120810.CreateTable",
    TableName=JOBS,
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
