"""cfn-lint rules for templates with listeners: `cfn-lint template.yaml -a templates/lint`.

cfn-lint itself does not look into custom resources. These rules find what would otherwise show only at deployment, or never; what
depends on values, `udpgw validate` checks.
"""

import base64
import binascii

from cfnlint.rules import CloudFormationLintRule, RuleMatch

ANY = object()  # whatever the provider itself makes of it
KEY = object()  # a pre-shared or private key, or a reference to one

ARGUMENTS = {
    "UseAsyncInvoke": ANY,
    "UseResponseStreaming": ANY,
    "TenantId": ANY,
    "TenantIdExpression": ANY,
    "TenantIdFormatter": ANY,
    "SendRaw": ANY,
    "UseMessageAttributes": ANY,
    "MessageGroupIdExpression": ANY,
    "MessageGroupIdFormatter": ANY,
    "MessageDeduplicationIdExpression": ANY,
    "MessageDeduplicationIdFormatter": ANY,
    "PartitionKeyExpression": ANY,
    "PartitionKeyFormatter": ANY,
    "PartitionKeyExpressionFormatter": ANY,
    "DynamicTopicSuffix": ANY,
    "TopicSuffixExpression": ANY,
    "TopicSuffixFormatter": ANY,
    "DeviceIdExpression": ANY,
    "LatitudeExpression": ANY,
    "LongitudeExpression": ANY,
    "ScaleFactor": ANY,
    "PositionPropertyExpressions": ANY,
}

DESTINATION = {
    "Name": ANY,
    "Description": ANY,
    "DestinationArn": ANY,
    "Role": ANY,
    "Batching": {"Count": ANY, "TimeoutInSeconds": ANY, "SizeInMB": ANY, "SizeInMb": ANY},
    "Formatter": ANY,
    "FilterExpression": ANY,
    "Arguments": ARGUMENTS,
    "Concurrency": ANY,
    "DeadLetterArn": ANY,
    "MetricsEnabled": ANY,
    "LogGroupName": ANY,
    "EnableLogging": ANY,
    # Some examples have these beside Arguments.
    "DynamicTopicSuffix": ANY,
    "TopicSuffixExpression": ANY,
    "TopicSuffixFormatter": ANY,
}

EVERYWHERE = {"ServiceToken": ANY, "ServiceTimeout": ANY, "ApiKey": ANY}

LISTENER = {
    **EVERYWHERE,
    "Name": ANY,
    "ListenerName": ANY,
    "Description": ANY,
    "Protocols": ANY,
    "Port": ANY,
    "Fleet": ANY,
    "ClientRestrictions": {"Networks": ANY, "Domains": ANY},
    "AllowUnknownPeers": ANY,
    "UnknownPeerPreSharedKey": KEY,
    "PrivateKey": KEY,
    "KeyRotationToken": ANY,
    "Peers": [{"PublicKey": ANY, "AllowedIPs": ANY, "SharedSecret": KEY}],
    "DecapsulatedDelivery": ANY,
    "Destinations": [DESTINATION],
    "Psks": ANY,
    "CertRefreshToken": ANY,
    "AllowEarlyData": ANY,
    "EarlyDataWindowSeconds": ANY,
}

DESTINATION_ARN = {**EVERYWHERE, "Destination": ANY, "IngressRegionKey": ANY, "Arn": ANY}

PACKET_SOURCE = {
    **EVERYWHERE,
    "ListenerName": ANY,
    "Description": ANY,
    "Enabled": ANY,
    "SnsTopicSource": {"TopicArn": ANY, "Role": ANY},
}

FLEET = {
    **EVERYWHERE,
    "Name": ANY,
    "Cluster": ANY,
    "LoadBalancerArn": ANY,
    "Subnets": ANY,
    "SecurityGroups": ANY,
    "AssignPublicIp": ANY,
    "DesiredCount": ANY,
    "Cpu": ANY,
    "Memory": ANY,
    "Architecture": ANY,
    "Image": ANY,
    "TaskRoleArn": ANY,
    "ExecutionRoleArn": ANY,
    "LogGroupName": ANY,
    "PortRange": ANY,
    "ClientCidr": ANY,
    "DomainName": ANY,
    "HealthPort": ANY,
    "RelayPort": ANY,
    "StopTimeoutSeconds": ANY,
    "Environment": ANY,
}

# Properties, and those of them that must be there.
TYPES = {
    "Custom::ProxylityUdpGatewayListener": (LISTENER, ["ServiceToken", "Protocols", "Destinations"]),
    "Custom::ProxylityUdpGatewayDestinationArn": (DESTINATION_ARN, ["ServiceToken", "Destination", "Arn"]),
    "Custom::ProxylityUdpGatewayPacketSource": (PACKET_SOURCE, ["ServiceToken", "ListenerName", "SnsTopicSource"]),
    "Custom::UdpGatewayFleet": (
        FLEET,
        ["ServiceToken", "Name", "Cluster", "LoadBalancerArn", "Subnets", "SecurityGroups", "TaskRoleArn", "ExecutionRoleArn", "LogGroupName", "PortRange"],
    ),
}
for hosted in [name for name in TYPES if "Proxylity" in name]:
    TYPES[hosted.replace("Proxylity", "")] = TYPES[hosted]

LONGEST_TIMEOUT = 3600  # of a custom resource
HOSTED_SUFFIX = ".proxylity.com"


def resources(cfn):
    """Name, properties, and the definition of those, of every resource of ours."""
    for name, resource in (cfn.template.get("Resources") or {}).items():
        if isinstance(resource, dict) and resource.get("Type") in TYPES and isinstance(resource.get("Properties"), dict):
            known, required = TYPES[resource["Type"]]
            yield name, resource["Properties"], known, required


def branches(value, path):
    """What a value may be: the branches of its Fn::If, else itself. AWS::NoValue is nothing."""
    if isinstance(value, dict) and list(value) == ["Fn::If"] and isinstance(value["Fn::If"], list):
        for index in (1, 2):
            if index < len(value["Fn::If"]):
                yield from branches(value["Fn::If"][index], path + ["Fn::If", index])
    elif value != {"Ref": "AWS::NoValue"}:
        yield value, path


def is_function(value):
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


def visit(value, path, known):
    """Every property, with its path and its definition; None is that of an unknown one."""
    for branch, place in branches(value, path):
        if isinstance(known, list) and isinstance(branch, list):
            for index, item in enumerate(branch):
                yield from visit(item, place + [index], known[0])
        elif isinstance(known, dict) and isinstance(branch, dict) and not is_function(branch):
            for name, item in branch.items():
                definition = known.get(name)
                yield name, item, place + [name], definition, known
                if definition is not None:
                    yield from visit(item, place + [name], definition)


def nearest(name, known):
    return next((candidate for candidate in known if candidate.lower() == name.lower()), None)


class ListenerProperties(CloudFormationLintRule):
    id = "E9101"
    shortdesc = "Properties of UDP Gateway's resources"
    description = "Unknown and missing properties of listeners, destination ARNs, packet sources and fleets"
    tags = ["resources", "udp-gateway"]

    def match(self, cfn):
        matches = []
        for resource, properties, known, required in resources(cfn):
            path = ["Resources", resource, "Properties"]
            for name in required:
                if name not in properties:
                    matches.append(RuleMatch(path, f"{name} is required"))
            for name, _, place, definition, siblings in visit(properties, path, known):
                if definition is None:
                    meant = nearest(name, siblings)
                    matches.append(RuleMatch(place, f"{name} is not a property here" + (f"; {meant} must be written exactly so" if meant else "")))
            matches += self.match_protocols(properties.get("Protocols", []), path + ["Protocols"])
            matches += self.match_timeout(properties.get("ServiceTimeout", 1), path + ["ServiceTimeout"])
        return matches

    def match_protocols(self, protocols, path):
        for value, place in branches(protocols, path):
            if isinstance(value, str):
                yield RuleMatch(place, f"Protocols is a list; write [{value}]")
            elif isinstance(value, list) and all(isinstance(item, str) for item in value):
                if value and value not in (["udp"], ["wg"]):
                    yield RuleMatch(place, "Protocols must be [udp] or [wg]")

    def match_timeout(self, timeout, path):
        for value, place in branches(timeout, path):
            try:
                seconds = int(value)
            except (TypeError, ValueError):
                if isinstance(value, dict):
                    continue
                seconds = 0
            if not 1 <= seconds <= LONGEST_TIMEOUT:
                yield RuleMatch(place, f"ServiceTimeout must be 1 to {LONGEST_TIMEOUT} seconds")


class KeysInTemplates(CloudFormationLintRule):
    id = "W9102"
    shortdesc = "No keys in templates"
    description = "A pre-shared or private key that is written into a template, or comes from a parameter that shows its value, is no secret"
    tags = ["resources", "udp-gateway"]

    def match(self, cfn):
        matches = []
        for resource, properties, known, _ in resources(cfn):
            for name, value, place, definition, _ in visit(properties, ["Resources", resource, "Properties"], known):
                if definition is KEY:
                    matches += self.match_key(cfn, name, value, place)
        return matches

    def match_key(self, cfn, name, value, path):
        for branch, place in branches(value, path):
            if isinstance(branch, str) and is_key(branch):
                yield RuleMatch(place, f"{name} is a key that everybody reads who reads the template; refer to a secret: {{{{resolve:secretsmanager:NAME}}}}")
            elif isinstance(branch, dict) and isinstance(branch.get("Ref"), str):
                parameter = (cfn.template.get("Parameters") or {}).get(branch["Ref"])
                if isinstance(parameter, dict) and str(parameter.get("NoEcho", False)).lower() != "true":
                    yield RuleMatch(place, f"{name} comes from the parameter {branch['Ref']}, which shows its value; give it NoEcho: true, or refer to a secret")


def is_key(text):
    try:
        return len(base64.b64decode(text.strip(), validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


class HostedSuffix(CloudFormationLintRule):
    id = "W9103"
    shortdesc = "No suffix after Domain"
    description = "Domain is the whole name that clients use; the hosted service's suffix after it makes a name that does not exist"
    tags = ["resources", "outputs", "udp-gateway"]

    def match(self, cfn):
        return [
            RuleMatch(path, f"{HOSTED_SUFFIX} belongs to the hosted service; Domain is the whole name here (`udpgw import` removes it)")
            for section in ("Resources", "Outputs")
            for path, text in texts(cfn.template.get(section) or {}, [section])
            if HOSTED_SUFFIX in text
        ]


def texts(value, path):
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from texts(item, path + [name])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, path + [index])
