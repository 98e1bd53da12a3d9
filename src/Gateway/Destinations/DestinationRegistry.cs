using System.Collections.Frozen;
using UdpGateway.Aws;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Destinations;

/// <summary>What a destination is made from.</summary>
internal sealed record DestinationContext(ListenerRecord Listener, DestinationDefinition Definition, Arn Arn, PacketFacts Facts, IDestinationClients Clients)
{
    public RetryPolicy Retries { get; init; } = RetryPolicy.OneWay;

    /// <summary>For replies that are there before the delivery has ended.</summary>
    public required IReplySink Replies { get; init; }

    /// <summary>Ask once: each is one more.</summary>
    public AwsConnection Connection => Clients.Connect(Listener, Definition, Arn);
}

/// <summary>The destinations that can be delivered to, by the service segment of their ARN. One line each.</summary>
internal static class DestinationRegistry
{
    private static readonly FrozenDictionary<string, Func<DestinationContext, IDestination>> Kinds =
        new Dictionary<string, Func<DestinationContext, IDestination>>(StringComparer.Ordinal)
        {
            ["lambda"] = context => new LambdaDestination(context),
            ["sns"] = context => new SnsDestination(context),
            ["events"] = context => new EventBridgeDestination(context),
            ["kinesis"] = context => new KinesisDestination(context),
            ["firehose"] = context => new FirehoseDestination(context),
            ["s3"] = context => new S3Destination(context),
            ["logs"] = context => new CloudWatchLogsDestination(context),
            ["dynamodb"] = context => new DynamoDbDestination(context),
            ["states"] = context => new StepFunctionsDestination(context),
            ["execute-api"] = context => new ApiGatewayDestination(context),
            ["iot"] = context => new IotDestination(context),
            ["geo"] = context => new LocationDestination(context),
            ["sqs"] = context => new SqsDestination(context),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    public static IReadOnlyCollection<string> Services => Kinds.Keys;

    /// <exception cref="ListenerNotServedException">The ARN names a service that no destination delivers to.</exception>
    public static IDestination Create(DestinationContext context)
    {
        return Kinds.TryGetValue(context.Arn.Service, out var create)
            ? create(context)
            : throw new ListenerNotServedException(
                $"Destination {context.Definition.Name}: this gateway delivers to {string.Join(", ", Kinds.Keys.Order(StringComparer.Ordinal))}, not to \"{context.Arn}\".");
    }
}
