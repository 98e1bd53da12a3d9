using System.Text.Json;
using System.Text.Json.Nodes;

namespace UdpGateway.Cli.LocalStack;

/// <summary>Builds events as CloudFormation builds them.</summary>
/// <remarks>Source: CloudFormation User Guide, "Custom resource request and response reference".</remarks>
internal static class CustomResourceEvents
{
    public static byte[] Build(
        string requestType, string requestId, Uri responseUrl, string stackId, string logicalId, string resourceType,
        string? physicalResourceId, JsonObject properties, JsonObject? oldProperties)
    {
        var request = new JsonObject { ["RequestType"] = requestType };
        // Not in the documented list of fields, but CloudFormation sends it at the top level as well.
        if (properties["ServiceToken"] is { } serviceToken)
            request["ServiceToken"] = serviceToken.DeepClone();
        request["ResponseURL"] = responseUrl.ToString();
        request["StackId"] = stackId;
        request["RequestId"] = requestId;
        request["LogicalResourceId"] = logicalId;
        if (physicalResourceId is not null)
            request["PhysicalResourceId"] = physicalResourceId;
        request["ResourceType"] = resourceType;
        request["ResourceProperties"] = properties.DeepClone();
        if (oldProperties is not null)
            request["OldResourceProperties"] = oldProperties.DeepClone();
        return JsonSerializer.SerializeToUtf8Bytes(request);
    }
}
