"""Deploys the expanded provider template on moto and prints, as JSON, what came to be.

    python3 tests/Templates/deploy_on_moto.py [--existing-vpc] [PARAMETER=VALUE…]

moto's stacks make no secrets, which are made beforehand. It answers no custom resources, so that they and the outputs that name them are left out; with
what properties they would be sent is said. The configuration document is written by calling its function's code.
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

import balancers_on_moto  # noqa: F401
from conditions import judge, settle
from expand import expand

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
RESOLVED = "PropertiesOf"


def main(parameters, has_vpc):
    with mock_aws():
        if has_vpc:
            parameters |= existing_network()
        stack = deploy_provider(parameters)
        resources, outputs = stack["Resources"], stack["Outputs"]
        print(json.dumps(
            {
                **stack,
                "Parameters": parameters,
                "Resources": sorted(resources),
                "Exports": sorted(entry["Name"] for entry in boto3.client("cloudformation").list_exports()["Exports"]),
                "StoredParameters": sorted(entry["Name"] for entry in boto3.client("ssm").describe_parameters()["Parameters"]),
                "Table": table(resources["Table"]),
                "LoadBalancer": load_balancer(resources["LoadBalancer"]),
                "FixedAddresses": sorted(address["AllocationId"] for address in boto3.client("ec2").describe_addresses()["Addresses"]),
                "Admissions": admissions(resources["LoadBalancerSecurityGroup"]) + admissions(resources["TaskSecurityGroup"]),
                "Policies": {role: policies(role) for role in roles()},
                "Retention": {group["logGroupName"]: group.get("retentionInDays") for group in boto3.client("logs").describe_log_groups()["logGroups"]},
                "Document": document(stack["Properties"]["ConfigurationDocument"], outputs),
            },
            indent=1,
            default=str,
        ))


def deploy_provider(parameters):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    for function in ("ProviderFunction", "AnsweringFunction"):
        s3.put_object(Bucket="packages", Key=function, Body=b"")
    return deploy("provider.yaml", "udp-gateway", parameters)


def deploy(file, name, parameters):
    """Makes a stack, and says what its resources are called, and what the properties of those come to that moto does not show, or not whole."""
    template = expand(str(TEMPLATES / file))
    parameters = {**{key: str(parameter.get("Default", "")) for key, parameter in template["Parameters"].items()}, **parameters}
    if problems := judge(template, parameters):
        raise SystemExit("\n".join(problems))
    template = settle(template, parameters)
    custom = {key: resource for key, resource in template["Resources"].items() if resource["Type"].startswith("Custom::")}
    left_out = {key: output["Value"] for key, output in template["Outputs"].items() if any(is_named(resource, output["Value"]) for resource in custom)}
    shown = {key: resource for key, resource in template["Resources"].items() if key in (*custom, "LoadBalancer", "ProviderFunction")}
    template["Resources"] = {key: resource for key, resource in template["Resources"].items() if key not in custom}
    template["Outputs"] = {key: output for key, output in template["Outputs"].items() if key not in left_out}
    template["Outputs"] |= {RESOLVED + key: {"Value": {"Fn::ToJsonString": resource["Properties"]}} for key, resource in shown.items()}
    template = with_secrets(template, parameters)
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    described = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    # Some kinds that moto does not know come without names.
    resources = {entry["LogicalResourceId"]: entry.get("PhysicalResourceId") for entry in described if "LogicalResourceId" in entry}
    outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in stack["Outputs"]}
    return {
        "Status": stack["StackStatus"],
        "Missing": sorted(set(template["Resources"]) - set(resources)),
        "Resources": resources,
        "Outputs": {key: value for key, value in outputs.items() if not key.startswith(RESOLVED)},
        "OutputsLeftOut": left_out,
        "Properties": {key: json.loads(outputs[RESOLVED + key]) for key in shown},
    }


def is_named(resource, value):
    return value == {"Ref": resource} or value.get("Fn::GetAtt", [None])[0] == resource


def with_secrets(template, parameters):
    secrets = [name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::SecretsManager::Secret"]
    text = json.dumps({**template, "Resources": {name: resource for name, resource in template["Resources"].items() if name not in secrets}})
    for name in secrets:
        value = parameters[template["Resources"][name]["Properties"]["SecretString"]["Ref"]]
        arn = boto3.client("secretsmanager").create_secret(Name=name, SecretString=value)["ARN"]
        text = text.replace(json.dumps({"Ref": name}), json.dumps(arn))
    return json.loads(text)


def existing_network():
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    a, b = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24", AvailabilityZone=f"us-west-2{zone}")["Subnet"]["SubnetId"]
        for number, zone in enumerate("ab")
    )
    return {"VpcId": vpc, "SubnetA": a, "SubnetB": b}


def table(name):
    return {key["AttributeName"]: key["KeyType"] for key in boto3.client("dynamodb").describe_table(TableName=name)["Table"]["KeySchema"]}


def load_balancer(arn):
    balancer = boto3.client("elbv2").describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    return {
        "Name": balancer["LoadBalancerName"],
        "Type": balancer["Type"],
        "Vpc": balancer["VpcId"],
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


def document(properties, outputs):
    """What the inline function writes for this stack."""
    answers = []
    answering = types.ModuleType("cfnresponse")
    answering.SUCCESS, answering.FAILED = "SUCCESS", "FAILED"
    answering.send = lambda event, context, status, *rest, **more: answers.append(status)
    sys.modules["cfnresponse"] = answering
    code = {}
    exec(expand(str(TEMPLATES / "provider.yaml"))["Resources"]["ConfigurationFunction"]["Properties"]["Code"]["ZipFile"], code)
    bucket, key = outputs["ConfigurationDocument"].removeprefix("s3://").split("/", 1)
    code["handler"]({"RequestType": "Create", "ResourceProperties": properties}, None)
    s3 = boto3.client("s3")
    written = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    code["handler"]({"RequestType": "Delete", "ResourceProperties": properties}, None)
    left = s3.list_objects_v2(Bucket=bucket)["KeyCount"]
    code["handler"]({"RequestType": "Create", "ResourceProperties": {**properties, "Bucket": "absent"}}, None)
    return {"Written": written, "Answers": answers, "Left": left}


if __name__ == "__main__":
    given = sys.argv[1:]
    main(dict(argument.split("=", 1) for argument in given if argument != "--existing-vpc"), "--existing-vpc" in given)
