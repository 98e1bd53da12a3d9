"""Deploys the expanded provider template on moto and prints, as JSON, what came to be.

    python3 tests/Templates/deploy_on_moto.py [PARAMETER=VALUE…]

moto's stacks make no secrets, which are made beforehand. It answers no custom resources, so the fleet is left out, and the configuration document is written by calling its function's code. Its
stacks know a balancer's Subnets, but neither its SubnetMappings nor its type.
"""

import json
import os
import sys
import types
from pathlib import Path

os.environ.update(AWS_DEFAULT_REGION="us-west-2", AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_LAMBDA_FUNCTION_NAME="")
os.environ.pop("AWS_PROFILE", None)
os.environ.pop("AWS_ENDPOINT_URL", None)

import boto3
from moto import mock_aws

from conditions import settle
from expand import expand

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
STACK = "udp-gateway"


def main(parameters):
    template = settle(expand(str(TEMPLATES / "provider.yaml")), parameters)
    custom = {name: resource for name, resource in template["Resources"].items() if resource["Type"].startswith("Custom::")}
    template["Resources"] = {name: resource for name, resource in template["Resources"].items() if name not in custom}
    balancer = template["Resources"]["LoadBalancer"]["Properties"]
    balancer["Subnets"] = [mapping["SubnetId"] for mapping in balancer.pop("SubnetMappings")]
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        for function in ("ProviderFunction", "AnsweringFunction"):
            s3.put_object(Bucket="packages", Key=function, Body=b"")
        template = with_secrets(template)
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        )
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        described = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        # Some kinds that moto does not know come without names.
        resources = {entry["LogicalResourceId"]: entry.get("PhysicalResourceId") for entry in described if "LogicalResourceId" in entry}
        outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in stack["Outputs"]}
        print(json.dumps(
            {
                "Status": stack["StackStatus"],
                "Missing": sorted(set(template["Resources"]) - set(resources)),
                "Resources": sorted(resources),
                "Outputs": outputs,
                "Exports": sorted(entry["Name"] for entry in cloudformation.list_exports()["Exports"]),
                "StoredParameters": sorted(entry["Name"] for entry in boto3.client("ssm").describe_parameters()["Parameters"]),
                "Table": table(resources["Table"]),
                "LoadBalancer": load_balancer(resources["LoadBalancer"]),
                "Admissions": admissions(resources["LoadBalancerSecurityGroup"]) + admissions(resources["TaskSecurityGroup"]),
                "Policies": {role: policies(role) for role in roles()},
                "Retention": {group["logGroupName"]: group.get("retentionInDays") for group in boto3.client("logs").describe_log_groups()["logGroups"]},
                "Provider": provider(),
                "Document": document(template, custom["ConfigurationDocument"], outputs, parameters),
            },
            indent=1,
            default=str,
        ))


def with_secrets(template):
    secrets = [name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::SecretsManager::Secret"]
    text = json.dumps({**template, "Resources": {name: resource for name, resource in template["Resources"].items() if name not in secrets}})
    for name in secrets:
        arn = boto3.client("secretsmanager").create_secret(Name=name, SecretString="secret")["ARN"]
        text = text.replace(json.dumps({"Ref": name}), json.dumps(arn))
    return json.loads(text)


def table(name):
    return {key["AttributeName"]: key["KeyType"] for key in boto3.client("dynamodb").describe_table(TableName=name)["Table"]["KeySchema"]}


def load_balancer(arn):
    balancer = boto3.client("elbv2").describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    return {
        "Name": balancer["LoadBalancerName"],
        "Zones": len(balancer["AvailabilityZones"]),
        "SecurityGroups": len(balancer["SecurityGroups"]),
    }


def admissions(group):
    rules = boto3.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    return [
        f"{rule['IpProtocol']} {rule['FromPort']}-{rule['ToPort']} from {[r['CidrIp'] for r in rule['IpRanges']] or 'a group'}" for rule in rules
    ]


def roles():
    return [role["RoleName"] for role in boto3.client("iam").list_roles()["Roles"] if role["RoleName"].startswith("udp-gateway-")]


def policies(role):
    iam = boto3.client("iam")
    return {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }


def provider():
    configuration = boto3.client("lambda").get_function_configuration(FunctionName="udp-gateway-provider")
    return {"Runtime": configuration["Runtime"], "Environment": configuration["Environment"]["Variables"]}


def document(template, resource, outputs, parameters):
    """What the inline function writes for this stack."""
    answers = []
    answering = types.ModuleType("cfnresponse")
    answering.SUCCESS, answering.FAILED = "SUCCESS", "FAILED"
    answering.send = lambda event, context, status, *rest, **more: answers.append(status)
    sys.modules["cfnresponse"] = answering
    code = {}
    exec(template["Resources"]["ConfigurationFunction"]["Properties"]["Code"]["ZipFile"], code)
    bucket, key = outputs["ConfigurationDocument"].removeprefix("s3://").split("/", 1)
    properties = {
        "Bucket": bucket,
        "Region": "us-west-2",
        "Token": outputs["ServiceToken"],
        "Role": outputs["ServiceRole"],
        "ApiKey": parameters.get("ApiKey", ""),
    }
    assert set(properties) == set(resource["Properties"]) - {"ServiceToken", "ServiceTimeout"}
    code["handler"]({"RequestType": "Create", "ResourceProperties": properties}, None)
    s3 = boto3.client("s3")
    written = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    code["handler"]({"RequestType": "Delete", "ResourceProperties": properties}, None)
    left = s3.list_objects_v2(Bucket=bucket)["KeyCount"]
    code["handler"]({"RequestType": "Create", "ResourceProperties": {**properties, "Bucket": "absent"}}, None)
    return {"Written": written, "Answers": answers, "Left": left}


if __name__ == "__main__":
    main(dict(argument.split("=", 1) for argument in sys.argv[1:]))
