"""Answers CloudFormation when the provider could not.

Lambda hands this function the record of an event that the provider failed on for good, for example because its process did not
even start (OnFailure destination). CloudFormation would wait for an hour otherwise. If the provider has recorded an answer, that
one is sent, else FAILED, which is recorded first, so that whoever works on the event later sends the same.

One file, nothing but Python's standard library and the boto3 of Lambda's runtime: it has to work when nothing else does.
Neither the event, which may hold keys, nor its ResponseURL, which is a credential, is ever logged.
"""

import http.client
import json
import os
import re
import time
import urllib.parse

MAX_BODY_BYTES = 4096  # of a custom resource's answer
MAX_ID_BYTES = 1024  # of a physical resource id in it
ATTEMPTS = 8
ATTEMPT_SECONDS = 10
RETENTION_SECONDS = 24 * 3600  # as the provider's own records of events

S3_HOST = re.compile(
    r"((?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.)?"
    r"s3([.-](dualstack\.)?(?P<region>[a-z]{2,5}(-[a-z]{2,12}){1,2}-[0-9]{1,2}))?\.amazonaws\.com(\.cn)?"
)


class Undelivered(Exception):
    """Nobody took the answer; failing makes Lambda try again."""


def handler(record, context):
    event = find_event(record.get("requestPayload")) if isinstance(record, dict) else None
    if event is None:
        print("The record holds no CloudFormation event; there is nobody to answer.")
        return
    address = find_address(event)
    if address is None:
        print("Request %s asks for its answer to be sent to a host that is not CloudFormation's; it is ignored." % text(event, "RequestId"))
        return

    body = decide(event, failure(event, record))
    send(address, body, context)
    print("%s is answered (request %s)." % (text(event, "LogicalResourceId"), text(event, "RequestId")))


def find_event(payload):
    """The event inside a continuation's envelope, an SNS envelope, or both."""
    if isinstance(payload, dict) and "Continuation" in payload and "Event" in payload:
        payload = payload["Event"]
    try:
        if isinstance(payload, dict) and "Records" in payload:
            payload = json.loads(payload["Records"][0]["Sns"]["Message"])
    except (LookupError, TypeError, ValueError):
        return None
    return payload if isinstance(payload, dict) and text(payload, "ResponseURL") else None


def find_address(event):
    try:
        address = urllib.parse.urlsplit(text(event, "ResponseURL"))
        stack = text(event, "StackId").split(":")
        region = stack[3] if len(stack) > 5 and stack[3] else os.environ["AWS_REGION"]
        return address if is_cloudformations(address, region) else None
    except ValueError:
        return None


def is_cloudformations(address, region):
    """Whether this is an S3 host of the region, as the provider's own ResponseUrl decides it."""
    if address.scheme != "https" or address.username is not None or address.password is not None or address.port not in (None, 443):
        return False
    match = S3_HOST.fullmatch(address.hostname or "")
    if match is None:
        return False
    if match["region"]:
        return match["region"] == region
    # The global endpoint belongs to us-east-1, but CloudFormation's own buckets carry their region in the name.
    return region == "us-east-1" or match["bucket"] == "cloudformation-custom-resource-response-" + region.replace("-", "")


def failure(event, record):
    request = record.get("requestContext") or {}
    error = record.get("responsePayload")
    error = error if isinstance(error, dict) else {}
    cause = ": ".join(part for part in (text(error, "errorType"), text(error, "errorMessage")) if part)
    function = text(request, "functionArn").split(":")
    reason = "The provider failed before it could answer%s The log group /aws/lambda/%s tells more." % (
        " (%s)." % cause[:1500].rstrip(".") if cause else ", %s." % (text(request, "condition") or "for an unknown reason"),
        function[6] if len(function) > 6 else "of the provider",
    )
    answer = {
        "Status": "FAILED",
        "Reason": reason,
        "PhysicalResourceId": physical_id(event),
        "StackId": text(event, "StackId"),
        "RequestId": text(event, "RequestId"),
        "LogicalResourceId": text(event, "LogicalResourceId"),
    }
    while len(json.dumps(answer)) > MAX_BODY_BYTES and answer["Reason"]:
        answer["Reason"] = answer["Reason"][:-100]
    return json.dumps(answer).encode()


def physical_id(event):
    """CloudFormation's, or, without one that an answer may have, one that the provider never gave: the Delete that follows a failed Create
    finds by the owner what there is."""
    known = text(event, "PhysicalResourceId")
    # Without quotes, but as JSON writes it, which may be longer.
    return known if known and len(json.dumps(known)) - 2 <= MAX_ID_BYTES else "failed-" + text(event, "RequestId")


def decide(event, body):
    """Records the answer unless there is one, and returns the one that holds."""
    try:
        import boto3
        import botocore.config
        import botocore.exceptions

        settings = botocore.config.Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4})
        table = boto3.client("dynamodb", config=settings)
        try:
            table.update_item(
                TableName=os.environ["UDPGW_TABLE"],
                Key={
                    "PK": {"S": "events#%s#%s" % (text(event, "StackId"), text(event, "LogicalResourceId"))},
                    "SK": {"S": "event#%s" % text(event, "RequestId")},
                },
                # An event that the provider never noted has no place in the order of events; 0 is before all of them.
                UpdateExpression="SET Answer = :answer, EventSequence = if_not_exists(EventSequence, :first), ExpiresAt = if_not_exists(ExpiresAt, :expiry)",
                ConditionExpression="attribute_not_exists(Answer)",
                ExpressionAttributeValues={
                    ":answer": {"B": body},
                    ":first": {"N": "0"},
                    ":expiry": {"N": str(int(time.time()) + RETENTION_SECONDS)},
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except botocore.exceptions.ClientError as error:
            recorded = error.response.get("Item", {}).get("Answer", {}).get("B")
            if recorded is None:
                raise
            print("Request %s was answered before and gets the same answer." % text(event, "RequestId"))
            return recorded
    except Exception as error:
        # A stack that waits for an hour is worse than an answer that nobody remembers.
        print("The answer to request %s could not be recorded: %s." % (text(event, "RequestId"), type(error).__name__))
    return body


def send(address, body, context):
    """PUTs as the presigned URL demands: no Content-Type, a Content-Length, no redirect."""
    target = urllib.parse.urlunsplit(("", "", address.path or "/", address.query, ""))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            connection = connect(address)
            try:
                connection.request("PUT", target, body)
                status = connection.getresponse().status
            finally:
                connection.close()
            if 200 <= status < 300:
                return
            print("The answer was refused with HTTP status %d (attempt %d)." % (status, attempt))
        except (OSError, http.client.HTTPException) as error:
            print("The answer could not be sent: %s (attempt %d)." % (type(error).__name__, attempt))
        pause = min(0.2 * 2**attempt, 5)
        if context.get_remaining_time_in_millis() < (pause + ATTEMPT_SECONDS) * 1000:
            break
        time.sleep(pause)
    raise Undelivered("CloudFormation did not take the answer.")


def connect(address):
    return http.client.HTTPSConnection(address.hostname, timeout=ATTEMPT_SECONDS)


def text(source, name):
    value = source.get(name) if isinstance(source, dict) else None
    return value if isinstance(value, str) else ""
