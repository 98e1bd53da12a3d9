using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using UdpGateway.Aws;
using UdpGateway.Gateway;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Workers;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks.Load;

/// <summary>A whole gateway with one worker and an open WireGuard listener on 127.0.0.1, whose destination answers every packet with itself.</summary>
internal sealed class EchoGateway : IAsyncDisposable, IDestinationClients
{
    private const string Name = "echo";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("udpgw-echo-");
    private readonly EmbeddedStore _store;
    private GatewayHost? _host;

    private EchoGateway(int port)
    {
        _store = new EmbeddedStore(_directory.FullName);
        Endpoint = new IPEndPoint(IPAddress.Loopback, port);
    }

    public IPEndPoint Endpoint { get; }

    public byte[] PublicKey { get; } = new byte[SecretKey.Size];

    public static async Task<EchoGateway> StartAsync()
    {
        var gateway = new EchoGateway(FreePort());
        try
        {
            await gateway.ServeAsync();
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    public ILambda Lambda(ListenerRecord listener, DestinationDefinition destination, string arn) =>
        throw new InvalidOperationException("The echo calls no service.");

    public AwsConnection Connect(ListenerRecord listener, DestinationDefinition destination, Arn arn) =>
        throw new InvalidOperationException("The echo calls no service.");

    public AwsConnection ConnectCloudWatch(ListenerRecord listener, DestinationDefinition destination) =>
        throw new InvalidOperationException("The echo writes no reports.");

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        _store.Dispose();
        _directory.Delete(recursive: true);
    }

    private async Task ServeAsync()
    {
        var privateKey = RandomNumberGenerator.GetBytes(SecretKey.Size);
        WireGuardKeys.ComputePublicKey(privateKey, PublicKey);
        await _store.WriteAsync(Name, JsonSerializer.Serialize(new { PrivateKey = Convert.ToBase64String(privateKey) }), CancellationToken.None);
        await _store.TryWriteAsync(
            new ListenerRecord
            {
                PhysicalResourceId = Name,
                StackId = "arn:aws:cloudformation:eu-central-1:123456789012:stack/echo/1",
                LogicalResourceId = Name,
                Definition = new ListenerDefinition
                {
                    Name = Name,
                    Protocol = ListenerProtocol.WireGuard,
                    AllowUnknownPeers = true,
                    Destinations =
                    [
                        new DestinationDefinition
                        {
                            Name = Name,
                            Arns = new Dictionary<string, string>(StringComparer.Ordinal) { ["*"] = "arn:aws:lambda:eu-central-1:123456789012:function:echo" },
                            Batching = new BatchingDefinition(100, TimeSpan.Zero, 1_000_000),
                        },
                    ],
                },
                Port = Endpoint.Port,
                WireGuardPublicKey = Convert.ToBase64String(PublicKey),
                SecretId = Name,
                RequestId = Name,
            },
            0,
            CancellationToken.None);
        _host = await GatewayHost.StartWithDestinationsAsync(
            new GatewayOptions { DrainTime = TimeSpan.Zero }, _store, _store, this, NullLoggerFactory.Instance, _ => new EchoDestination(), CancellationToken.None);
        if (!await _host.WaitUntilServedAsync(Name, 1, TimeSpan.FromSeconds(30), CancellationToken.None))
            throw new InvalidOperationException("The echo gateway does not serve.");
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    /// <summary>Posts each packet back to its worker, as the answer of a service would be.</summary>
    private sealed class EchoDestination : IDestination
    {
        private static readonly Task<DeliveryOutcome> Delivered = Task.FromResult(new DeliveryOutcome(DeliveryResult.Delivered));

        public DestinationLimits Limits { get; } = new(long.MaxValue, int.MaxValue);

        public Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                var payload = batch.Payload(i);
                var bytes = ArrayPool<byte>.Shared.Rent(payload.Length);
                payload.CopyTo(bytes);
                if (batch.Listener.Worker.TryPost(new WorkerMessage(WorkerMessageKind.Reply, batch.Listener, batch[i].Origin.Route, bytes, payload.Length)))
                    continue;
                batch.Listener.Counters.DropReply(DropReason.ReplyQueueFull, 1);
                ArrayPool<byte>.Shared.Return(bytes);
            }

            return Delivered;
        }
    }
}
