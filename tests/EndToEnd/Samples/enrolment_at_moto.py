"""What the test of the sample provisioning asks of a moto server; prints JSON.

URL make-workflow ARN            makes a state machine of that name, so that executions of it can be started
URL list-executions ARN          name and input of each
URL run FILE SERIAL KEY REQUEST  runs the sample's workflow once (moto can do it no second time) and tells what came of it
"""

import json
import sys
import time
import urllib.request

import boto3

ANY_ROLE = "arn:aws:iam::123456789012:role/any"


def main(url, command, *arguments):
    def client(service):
        return boto3.client(service, endpoint_url=url, region_name="us-west-2", aws_access_key_id="any", aws_secret_access_key="any")

    commands = {"make-workflow": make_workflow, "list-executions": list_executions, "run": run}
    print(json.dumps(commands[command](client, url, *arguments)))


def make_workflow(client, url, arn):
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    return client("stepfunctions").create_state_machine(name=arn.split(":")[-1], definition=json.dumps(definition), roleArn=ANY_ROLE)["stateMachineArn"]


def list_executions(client, url, arn):
    workflows = client("stepfunctions")
    executions = workflows.list_executions(stateMachineArn=arn)["executions"]
    return [{"name": execution["name"], "input": workflows.describe_execution(executionArn=execution["executionArn"])["input"]} for execution in executions]


def run(client, url, file, serial, key, csr):
    # By default moto leaves every execution running.
    urllib.request.urlopen(urllib.request.Request(f"{url}moto-api/config", b'{"stepfunctions":{"execute_state_machine":true}}')).close()
    client("dynamodb").create_table(
        TableName="devices", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "Serial", "AttributeType": "S"}], KeySchema=[{"AttributeName": "Serial", "KeyType": "HASH"}])
    topic = client("sns").create_topic(Name="enrolments")["TopicArn"]
    queue = client("sqs").create_queue(QueueName="seen")["QueueUrl"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-west-2:123456789012:seen")

    with open(file, encoding="utf-8") as source:
        definition = json.loads(source.read().replace("${DevicesTable}", "devices").replace("${EnrolmentsTopic}", topic))
    workflows = client("stepfunctions")
    arn = workflows.create_state_machine(name="enrolment", definition=json.dumps(for_moto(definition)), roleArn=ANY_ROLE)["stateMachineArn"]
    enrolment = json.dumps({"Serial": serial, "PeerKey": key, "CertificateSigningRequest": csr})
    execution = workflows.start_execution(stateMachineArn=arn, name="one", input=enrolment)["executionArn"]
    for _ in range(120):
        outcome = workflows.describe_execution(executionArn=execution)
        if outcome["status"] != "RUNNING":
            break
        time.sleep(0.25)
    messages = client("sqs").receive_message(QueueUrl=queue).get("Messages", [])
    return {
        "status": outcome["status"],
        "cause": outcome.get("cause"),
        "items": client("dynamodb").scan(TableName="devices")["Items"],
        "certificates": [certificate["certificateArn"] for certificate in client("iot").list_certificates()["certificates"]],
        "principals": client("iot").list_thing_principals(thingName=serial)["principals"],
        "notices": [json.loads(message["Body"])["Message"] for message in messages],
    }


def for_moto(definition):
    """Step Functions writes the parameters of an SDK integration in PascalCase; moto wants them, and the result, as boto3 has them."""
    for state in definition["States"].values():
        if ":aws-sdk:" in state.get("Resource", ""):
            state["Parameters"] = {name[0].lower() + name[1:]: value for name, value in state["Parameters"].items()}
            if "ResultSelector" in state:
                state["ResultSelector"] = {name: value[:2] + value[2].lower() + value[3:] for name, value in state["ResultSelector"].items()}
    return definition


main(*sys.argv[1:])
