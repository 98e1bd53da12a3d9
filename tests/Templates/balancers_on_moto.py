"""Has moto's stacks make load balancers of the type and with the subnet mappings of their template; of its own it makes each an application's, with Subnets."""

from moto.elbv2.models import FakeLoadBalancer, elbv2_backends


def create(cls, name, resource, account_id, region_name, **_):
    properties = resource["Properties"]
    return elbv2_backends[account_id][region_name].create_load_balancer(
        name,
        properties.get("SecurityGroups"),
        properties.get("Subnets", []),
        properties.get("SubnetMappings"),
        properties.get("Scheme", "internet-facing"),
        properties.get("Type"),
    )


FakeLoadBalancer.create_from_cloudformation_json = classmethod(create)
