using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Amazon.Runtime;
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

/// <summary>A whole gateway with one worker and an open listener on 127.0.0.1 with one destination.</summary>
internal sealed class LoadGateway : IAsyncDisposable, IDestinationClients
{
    private const string Name = "load";
    private const string Function = "arn:aws:lambda:eu-central-1:123456789012:function:load";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("udpgw-load-");
    private readonly List<AwsConnection> _connections = [];
    private readonly EmbeddedStore _store;
    private readonly Uri? _service;
    private GatewayHost? _host;

    private LoadGateway(int port, Uri? service)
    {
        _store = new EmbeddedStore(_directory.FullName);
        _service = service;
        Endpoint = new IPEndPoint(IPAddress.Loopback, port);
    }

    public IPEndPoint Endpoint { get; }

    public byte[] PublicKey { get; } = new byte[SecretKey.Size];

    public Uri Admin => _host!.AdminAddress;

    /// <summary>Its destination answers every packet with itself.</summary>
    public static Task<LoadGateway> StartEchoAsync() =>
        StartAsync(ListenerProtocol.WireGuard, new BatchingDefinition(100, TimeSpan.Zero, 1_000_000), null, _ => new EchoDestination());

    /// <summary>Its destination takes everything and does nothing.</summary>
    public static Task<LoadGateway> StartNullAsync(ListenerProtocol protocol) =>
        StartAsync(protocol, new BatchingDefinition(100, TimeSpan.FromMilliseconds(100), 1_000_000), null, _ => new NullDestination());

    /// <summary>Its destination is a function behind a local endpoint: everything from the socket to the signed request is the product's.</summary>
    public static Task<LoadGateway> StartDeliveringAsync(Uri service, int count, TimeSpan window) =>
        StartAsync(ListenerProtocol.WireGuard, new BatchingDefinition(count, window, 5_000_000), service, DestinationRegistry.Create);

    public ILambda Lambda(ListenerRecord listener, DestinationDefinition destination, string arn) =>
        new LambdaClient(Connect(listener, destination, Arn.TryParse(arn, out var function) ? function : throw new ArgumentException($"\"{arn}\" is no ARN.", nameof(arn))));

    public AwsConnection Connect(ListenerRecord listener, DestinationDefinition destination, Arn arn)
    {
        if (_service is null)
            throw new InvalidOperationException("This gateway calls no service.");
        // With a session token, as the credentials of a role have.
        var connection = new AwsConnection(new SessionAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", new string('t', 800)), arn.Region, _service);
        _connections.Add(connection);
        return connection;
    }

    public AwsConnection ConnectCloudWatch(ListenerRecord listener, DestinationDefinition destination) =>
        throw new InvalidOperationException("This gateway writes no reports.");

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        _connections.ForEach(connection => connection.Dispose());
        _store.Dispose();
        _directory.Delete(recursive: true);
    }

    private static async Task<LoadGateway> StartAsync(ListenerProtocol protocol, BatchingDefinition batching, Uri? service, Func<DestinationContext, IDestination> createDestination)
    {
        var gateway = new LoadGateway(FreePort(), service);
        try
        {
            await gateway.ServeAsync(protocol, batching, createDestination);
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    private async Task ServeAsync(ListenerProtocol protocol, BatchingDefinition batching, Func<DestinationContext, IDestination> createDestination)
    {
        var isTunnel = protocol == ListenerProtocol.WireGuard;
        var privateKey = RandomNumberGenerator.GetBytes(SecretKey.Size);
        WireGuardKeys.ComputePublicKey(privateKey, PublicKey);
        await _store.WriteAsync(Name, JsonSerializer.Serialize(new { PrivateKey = Convert.ToBase64String(privateKey) }), CancellationToken.None);
        await _store.TryWriteAsync(
            new ListenerRecord
            {
                PhysicalResourceId = Name,
                StackId = "arn:aws:cloudformation:eu-central-1:123456789012:stack/load/1",
                LogicalResourceId = Name,
                Definition = new ListenerDefinition
                {
                    Name = Name,
                    Protocol = protocol,
                    AllowUnknownPeers = isTunnel,
                    Destinations =
                    [
                        new DestinationDefinition
                        {
                            Name = Name,
                            Arns = new Dictionary<string, string>(StringComparer.Ordinal) { ["*"] = Function },
                            Batching = batching,
                        },
                    ],
                },
                Port = Endpoint.Port,
                WireGuardPublicKey = isTunnel ? Convert.ToBase64String(PublicKey) : null,
                SecretId = isTunnel ? Name : null,
                RequestId = Name,
            },
            0,
            CancellationToken.None);
        _host = await GatewayHost.StartWithDestinationsAsync(
            new GatewayOptions { DrainTime = TimeSpan.Zero }, _store, _store, this, NullLoggerFactory.Instance, createDestination, CancellationToken.None);
        if (!await _host.WaitUntilServedAsync(Name, 1, TimeSpan.FromSeconds(30), CancellationToken.None))
            throw new InvalidOperationException("The gateway does not serve.");
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private sealed class NullDestination : IDestination
    {
        private static readonly Task<DeliveryOutcome> Delivered = Task.FromResult(new DeliveryOutcome(DeliveryResult.Delivered));

        public DestinationLimits Limits { get; } = new(long.MaxValue, int.MaxValue);

        public Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken) => Delivered;
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
