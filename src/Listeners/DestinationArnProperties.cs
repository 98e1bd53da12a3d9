using System.Text.Json;

namespace UdpGateway.Listeners;

/// <summary>What a customer declares with <c>Custom::ProxylityUdpGatewayDestinationArn</c>: one ARN of one destination for one ingress region.</summary>
/// <param name="Destination">Name of a destination that a listener declares.</param>
/// <param name="IngressRegionKey">An AWS region, or <c>*</c> for every region.</param>
public sealed record DestinationArnDefinition(string Destination, string IngressRegionKey, string Arn);

/// <summary>From CloudFormation's <c>ResourceProperties</c> to an ARN that can be registered.</summary>
public static class DestinationArnProperties
{
    /// <summary>Binds and validates in one step and reports all problems at once. Never throws on any JSON.</summary>
    /// <param name="resourceProperties">As CloudFormation sends them.</param>
    /// <param name="region">The stack's region, which is meant where none is declared.</param>
    public static BindingResult<DestinationArnDefinition> Bind(JsonElement resourceProperties, string region)
    {
        var found = new ProblemList();
        if (resourceProperties.ValueKind is not JsonValueKind.Object)
        {
            found.Problem("ResourceProperties", null, "must be an object", "object");
            return new BindingResult<DestinationArnDefinition>(null, found.Problems, found.Warnings);
        }

        var properties = new PropertyBinder(resourceProperties, string.Empty, found);
        properties.Accept("ServiceToken", "ServiceTimeout", "ApiKey");
        var destination = properties.Text("Destination");
        var key = properties.Text("IngressRegionKey");
        var arn = properties.Text("Arn");
        properties.ReportUnknown();
        if (!found.Problems.Any(problem => problem.Path == "Destination") && !IsDestinationName(destination))
            properties.Report("Destination", destination is null ? null : PropertyBinder.Quote(destination), "must be the name of a destination, such as an entry of its listener's DestinationNames", "destination_name");
        if (string.IsNullOrEmpty(key))
            key = region;
        if (key != "*" && !Listeners.Arn.IsRegion(key))
            properties.Report("IngressRegionKey", PropertyBinder.Quote(key), "must be an AWS region such as us-west-2, or *", "destination_region");
        if (!found.Problems.Any(problem => problem.Path == "Arn"))
            RequireDeliverable(arn, properties);
        return found.Problems.Count > 0
            ? new BindingResult<DestinationArnDefinition>(null, found.Problems, found.Warnings)
            : new BindingResult<DestinationArnDefinition>(new DestinationArnDefinition(destination!, key, arn!), found.Problems, found.Warnings);
    }

    // A generated one is its listener's name with an index, and so may be longer than one that is declared.
    private static bool IsDestinationName(string? name) =>
        name is { Length: > 0 and <= ResourceNames.MaxGeneratedDestinationLength } && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '-');

    private static void RequireDeliverable(string? text, PropertyBinder properties)
    {
        var given = text is null ? null : PropertyBinder.Quote(text);
        if (!Listeners.Arn.TryParse(text, out var arn))
            properties.Report("Arn", given, "is required and must be an ARN of the form arn:partition:service:region:account:resource", "destination_arn");
        else if (!DestinationKinds.TryFind(arn.Service, out var kind))
            properties.Report("Arn", given, $"must belong to a service that packets can be delivered to: {string.Join(", ", DestinationKinds.All.Select(known => known.Service))}", "destination_service");
        else if (!kind.Accepts(arn))
            properties.Report("Arn", given, $"must have the form {kind.ArnForm}", "destination_arn_form");
    }
}
