using System.Net;
using System.Text;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;

using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests.Destinations;

/// <summary>Makes destinations as the gateway makes them, for one connection, and batches for them.</summary>
internal static class DestinationUnderTest
{
    public static readonly DateTimeOffset ReceivedAt = new(2026, 4, 14, 17, 3, 22, 123, TimeSpan.Zero);

    public const string Client = "198.51.100.7";

    public const int FirstClientPort = 40_000;

    public static PacketFacts Facts(PayloadFormatter formatter = PayloadFormatter.Ascii) => new()
    {
        Domain = "udp.example.com",
        Port = 2061,
        Protocol = ListenerProtocol.Udp,
        LocalAddress = "127.0.0.1",
        IngressRegion = TestEnvironment.Region,
        Formatter = formatter,
    };

    public static IDestination Create(
        string arn,
        DestinationArguments arguments,
        Func<Arn, AwsConnection> connect,
        PayloadFormatter formatter = PayloadFormatter.Ascii,
        RetryPolicy? retries = null,
        Func<DestinationDefinition, DestinationDefinition>? change = null,
        IReplySink? replies = null,
        ILambda? lambda = null)
    {
        Assert.True(Arn.TryParse(arn, out var parsed));
        Assert.True(DestinationKinds.TryFind(parsed.Service, out var kind) && kind.Accepts(parsed), $"{arn} has not the form that a template may name");
        var definition = new DestinationDefinition { Name = "Archive", RoleArn = MotoServer.RoleArn, Arguments = arguments, Formatter = formatter };
        definition = change?.Invoke(definition) ?? definition;
        return DestinationRegistry.Create(new DestinationContext(Listener(definition), definition, parsed, Facts(formatter), new Clients(connect, lambda))
        {
            Retries = retries ?? new RetryPolicy { BaseDelay = TimeSpan.FromMilliseconds(1) },
            Replies = replies ?? new RecordedReplies(),
        });
    }

    /// <summary>The queue of a destination with the role of all.</summary>
    public static DeadLetterQueue DeadLetters(string arn, Func<Arn, AwsConnection> connect)
    {
        Assert.True(Arn.TryParse(arn, out var parsed));
        var definition = new DestinationDefinition { Name = "Archive", RoleArn = MotoServer.RoleArn, DeadLetterArn = arn };
        return new DeadLetterQueue(Listener(definition), definition, parsed, new RequestPacketWriter(Facts()), new Clients(connect, lambda: null));
    }

    /// <summary>Packet n comes from a port of its own, n milliseconds after the first.</summary>
    public static PacketBatch Batch(params IEnumerable<string> payloads) => Batch(ReceivedAt, payloads);

    public static PacketBatch Batch(DateTimeOffset receivedAt, IEnumerable<string> payloads)
    {
        var batch = new PacketBatch();
        batch.Start(0xabc, null!);
        foreach (var payload in payloads)
        {
            var origin = new PacketOrigin
            {
                ReceivedAtUnixMilliseconds = receivedAt.ToUnixTimeMilliseconds() + batch.Count,
                Route = new ReplyRoute(ReplyForm.Datagram, PeerEndpoint.From(new IPEndPoint(IPAddress.Parse(Client), FirstClientPort + batch.Count)), default, 0, default),
            };
            batch.Add(Encoding.UTF8.GetBytes(payload), origin, payload.Length + 400);
        }

        return batch;
    }

    public static IEnumerable<string> Numbered(int count) => Enumerable.Range(0, count).Select(index => $"packet-{index:d4}");

    private static ListenerRecord Listener(DestinationDefinition definition) => new()
    {
        PhysicalResourceId = "listener",
        StackId = MotoServer.ExternalId,
        LogicalResourceId = "Listener",
        Definition = new ListenerDefinition { Name = "listener", Protocol = ListenerProtocol.Udp, Destinations = [definition] },
        Port = 2061,
        RequestId = "1",
    };

    private sealed class Clients(Func<Arn, AwsConnection> connect, ILambda? lambda) : IDestinationClients
    {
        public ILambda Lambda(ListenerRecord listener, DestinationDefinition destination, string arn) =>
            lambda ?? new LambdaClient(Connect(listener, destination, Arn.TryParse(arn, out var parsed) ? parsed : throw new ArgumentException(arn, nameof(arn))));

        public AwsConnection Connect(ListenerRecord listener, DestinationDefinition destination, Arn arn) => connect(arn);

        public AwsConnection ConnectCloudWatch(ListenerRecord listener, DestinationDefinition destination) =>
            throw new NotSupportedException("Destinations themselves write no reports.");
    }
}
