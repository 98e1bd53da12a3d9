"""What the tests of destinations ask of a moto server; prints JSON.

URL make-users                     a gateway that may only assume roles, and an administrator who may do everything; their access keys
URL make-destinations STACK_ID     what packets go to, and the role that may write there if it is assumed for that stack; from then on
                                   moto checks signatures, permissions and trust
URL read KEY SECRET                what has arrived, by destination; KEY and SECRET are the administrator's
"""

import json
import sys
import urllib.request

import boto3

ACCOUNT = "123456789012"
ROLE = "deliverer"

# moto asks for the permission of each operation, AWS for that of its single form: SendMessage covers SendMessageBatch.
DELIVERY = [
    "sqs:GetQueueUrl", "sqs:SendMessage*", "sns:Publish*", "kinesis:PutRecords", "s3:PutObject",
    "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "dynamodb:DescribeTable", "dynamodb:BatchWriteItem",
]


def main(url, command, *arguments):
    commands = {"make-users": make_users, "make-destinations": make_destinations, "read": read}
    print(json.dumps(commands[command](url, *arguments)))


def clients(url, key="any", secret="any"):
    return lambda service, region="us-west-2": boto3.client(service, endpoint_url=url, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret)


def allow(actions):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})


def make_users(url):
    iam = clients(url)("iam")

    def make(name, actions):
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=allow(actions))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"Key": key["AccessKeyId"], "Secret": key["SecretAccessKey"]}

    return {"Gateway": make("gateway", ["sts:AssumeRole"]), "Administrator": make("administrator", ["*"])}


def make_destinations(url, stack_id):
    client = clients(url)
    trust = {
        "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/gateway"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": stack_id}},
    }
    client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    client("iam").put_role_policy(RoleName=ROLE, PolicyName="p", PolicyDocument=allow(DELIVERY))

    sqs = client("sqs")
    sqs.create_queue(QueueName="standard")
    sqs.create_queue(QueueName="ordered.fifo", Attributes={"FifoQueue": "true"})
    sqs.create_queue(QueueName="subscriber")
    topic = client("sns").create_topic(Name="topic")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-west-2:{ACCOUNT}:subscriber", Attributes={"RawMessageDelivery": "true"})
    client("kinesis").create_stream(StreamName="stream", ShardCount=1)
    client("s3", "us-east-1").create_bucket(Bucket="packets-bucket")
    client("dynamodb").create_table(
        TableName="packets", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "flow", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "flow", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "S"}])
    client("logs").create_log_group(logGroupName="/packets")

    # So many more requests pass unchecked.
    urllib.request.urlopen(urllib.request.Request(f"{url}moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})).close()
    return {}


def read(url, key, secret):
    client = clients(url, key, secret)
    return {
        "standard": messages(client("sqs"), "standard"),
        "ordered": messages(client("sqs"), "ordered.fifo"),
        "topic": messages(client("sqs"), "subscriber"),
        "stream": records(client("kinesis")),
        "bucket": objects(client("s3", "us-east-1")),
        "table": client("dynamodb").scan(TableName="packets")["Items"],
        "logs": events(client("logs")),
    }


def messages(sqs, name):
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found = []
    while True:
        # They are left where they are, and seen again by the next one who asks.
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0 if not found else 5, AttributeNames=["All"], MessageAttributeNames=["All"])
        new = [m for m in answer.get("Messages", []) if m["MessageId"] not in {f["MessageId"] for f in found}]
        if not new:
            return found
        found += new


def records(kinesis):
    shard = kinesis.list_shards(StreamName="stream")["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName="stream", ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    return [{"PartitionKey": r["PartitionKey"], "Data": r["Data"].decode()} for r in kinesis.get_records(ShardIterator=iterator)["Records"]]


def objects(s3):
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="packets-bucket").get("Contents", [])]
    return [{"Key": key, "Lines": s3.get_object(Bucket="packets-bucket", Key=key)["Body"].read().decode()} for key in keys]


def events(logs):
    found = []
    for stream in logs.describe_log_streams(logGroupName="/packets")["logStreams"]:
        name = stream["logStreamName"]
        found += [{"Stream": name, "Message": e["message"]} for e in logs.get_log_events(logGroupName="/packets", logStreamName=name, startFromHead=True)["events"]]
    return found


main(*sys.argv[1:])
