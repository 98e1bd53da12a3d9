"""Deploys provider.yaml and then fleet.yaml, which imports from it, on a moto server; prints, as JSON, what came to be, and as whom Lambda runs the provider.

    AWS_ACCESS_KEY_ID=KEY AWS_SECRET_ACCESS_KEY=SECRET python3 tests/Templates/deploy_fleets_on_moto.py URL IMAGE

The server has to have balancers_on_moto.
"""

import json
import os
import sys

administrator = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}

import deploy_on_moto

os.environ.update(administrator, AWS_ENDPOINT_URL=sys.argv[1])

import boto3


def main(image):
    default = deploy_on_moto.deploy_provider({"Image": image, "ApiKey": "a-key-of-ours"})
    chosen = {"FleetName": "further", "Image": image, "Zones": "1", "TaskArchitecture": "X86_64", "TaskEnvironment": "UDPGW_ROTATION_GRACE_HOURS=1"}
    further = deploy_on_moto.deploy("fleet.yaml", "udp-gateway-further", chosen)
    role = default["Properties"]["ProviderFunction"]["Role"]
    print(json.dumps({"Default": default, "Further": further, "Credentials": credentials(role)}))


def credentials(role):
    """What Lambda gives the function. moto knows no services that assume roles, so that an administrator does, who first has to be let."""
    iam, sts = boto3.client("iam"), boto3.client("sts")
    name = role.rsplit("/", 1)[1]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    trust["Statement"][0]["Principal"] = {"AWS": sts.get_caller_identity()["Arn"]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    # moto compares actions, but knows neither what a request is about nor under what conditions it comes.
    policy = iam.get_role_policy(RoleName=name, PolicyName="provider")["PolicyDocument"]
    actions = [{"Effect": statement["Effect"], "Action": statement["Action"], "Resource": "*"} for statement in policy["Statement"]]
    # It asks for the permission of each operation, AWS for those of what a transaction consists of.
    actions.append({"Effect": "Allow", "Action": "dynamodb:TransactWriteItems", "Resource": "*"})
    iam.put_role_policy(RoleName=name, PolicyName="provider", PolicyDocument=json.dumps({**policy, "Statement": actions}))
    granted = sts.assume_role(RoleArn=role, RoleSessionName="udp-gateway-provider")["Credentials"]
    return {"AWS_ACCESS_KEY_ID": granted["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": granted["SecretAccessKey"], "AWS_SESSION_TOKEN": granted["SessionToken"]}


if __name__ == "__main__":
    main(sys.argv[2])
