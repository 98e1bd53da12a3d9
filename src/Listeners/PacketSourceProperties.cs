using System.Text.Json;
using System.Text.RegularExpressions;
using UdpGateway.Listeners.Validation;

namespace UdpGateway.Listeners;

/// <summary>What a customer declares with <c>Custom::ProxylityUdpGatewayPacketSource</c>: a topic whose messages leave through a listener's port.</summary>
/// <param name="ListenerName">Name or physical id of a listener.</param>
/// <param name="TopicArn">An SNS topic.</param>
/// <param name="RoleArn">The role that may subscribe to it.</param>
/// <param name="Enabled">Whether its messages are sent.</param>
public sealed record PacketSourceDefinition(string ListenerName, string TopicArn, string RoleArn, string? Description, bool Enabled);

/// <summary>From CloudFormation's <c>ResourceProperties</c> to a packet source that can be provisioned.</summary>
public static partial class PacketSourceProperties
{
    /// <summary>Binds and validates in one step and reports all problems at once. Never throws on any JSON.</summary>
    public static BindingResult<PacketSourceDefinition> Bind(JsonElement resourceProperties)
    {
        var found = new ProblemList();
        if (resourceProperties.ValueKind is not JsonValueKind.Object)
        {
            found.Problem("ResourceProperties", null, "must be an object", "object");
            return new BindingResult<PacketSourceDefinition>(null, found.Problems, found.Warnings);
        }

        var properties = new PropertyBinder(resourceProperties, string.Empty, found);
        properties.Accept("ServiceToken", "ServiceTimeout", "ApiKey");
        var listenerName = properties.Text("ListenerName");
        var description = properties.Text("Description");
        var enabled = properties.Boolean("Enabled") ?? true;
        var hasTopic = properties.Has("SnsTopicSource");
        var topic = properties.Object("SnsTopicSource");
        var topicArn = topic?.Text("TopicArn");
        var roleArn = topic?.TextOrWrapped("Role", "Arn");
        topic?.ReportUnknown();
        properties.ReportUnknown();

        Require(properties, "ListenerName", listenerName, text => ListenerPattern().IsMatch(text), "is required and must be the name of a listener, or the Ref of one", "listener_name");
        if (!hasTopic)
            properties.Report("SnsTopicSource", null, "is required: an object with TopicArn and Role", "topic_required");
        if (topic is not null)
        {
            Require(topic, "TopicArn", topicArn, IsTopicArn, "is required and must have the form arn:aws:sns:REGION:ACCOUNT:NAME", "topic_arn");
            Require(topic, "Role", roleArn, DestinationValidator.IsRoleArn, "is required and must be the ARN of an IAM role that may subscribe to the topic, such as arn:aws:iam::123456789012:role/NAME", "role_arn");
        }

        return found.Problems.Count > 0
            ? new BindingResult<PacketSourceDefinition>(null, found.Problems, found.Warnings)
            : new BindingResult<PacketSourceDefinition>(new PacketSourceDefinition(listenerName!, topicArn!, roleArn!, description, enabled), found.Problems, found.Warnings);

        // What could not be read is reported already.
        void Require(PropertyBinder binder, string name, string? text, Func<string, bool> isRight, string sentence, string code)
        {
            if ((text is null || !isRight(text)) && !found.Problems.Any(problem => problem.Path.StartsWith(binder.PathOf(name), StringComparison.Ordinal)))
                binder.Report(name, text is null ? null : PropertyBinder.Quote(text), sentence, code);
        }
    }

    private static bool IsTopicArn(string text) =>
        Arn.TryParse(text, out var arn) && arn.Service == "sns" && arn.Region.Length > 0 && arn.Account.Length > 0 && SnsKind.Kind.Accepts(arn);

    // A name, or the id of a later generation: Name.2.
    [GeneratedRegex(@"\A[a-zA-Z0-9-]{1,128}(\.[0-9]{1,9})?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ListenerPattern();
}
