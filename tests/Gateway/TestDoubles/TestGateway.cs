using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Tests.TestDoubles;

/// <summary>A whole gateway on 127.0.0.1 with the embedded store in a directory of its own and Lambdas in process.</summary>
internal sealed class TestGateway : IAsyncDisposable, IDestinationClients
{
    private static readonly HttpClient Http = new();

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("udpgw-gateway-tests-");
    private readonly ConcurrentDictionary<string, RecordingLambda> _lambdas = new(StringComparer.Ordinal);
    private readonly RecordingLoggerFactory _loggers = new();

    private TestGateway() => Store = new EmbeddedStore(_directory.FullName);

    public EmbeddedStore Store { get; }

    public GatewayHost Host { get; private set; } = null!;

    public IReadOnlyList<string> LogLines => _loggers.Lines;

    public static TheoryData<SocketBackend> Backends => OperatingSystem.IsLinux() ? [SocketBackend.Linux, SocketBackend.Portable] : [SocketBackend.Portable];

    public static async Task<TestGateway> StartAsync(
        SocketBackend backend = SocketBackend.Best, Func<GatewayOptions, GatewayOptions>? configure = null, Func<ISecretStore, ISecretStore>? wrapSecrets = null, ISqs? queues = null)
    {
        var gateway = new TestGateway { Queues = queues };
        var options = new GatewayOptions { SocketBackend = backend, Region = "eu-central-1", DrainTime = TimeSpan.Zero, FlushTime = TimeSpan.FromSeconds(10), PollInterval = TimeSpan.FromMilliseconds(50) };
        gateway.Host = await GatewayHost.StartAsync(configure?.Invoke(options) ?? options, gateway.Store, wrapSecrets?.Invoke(gateway.Store) ?? gateway.Store, gateway, gateway._loggers, CancellationToken.None);
        return gateway;
    }

    /// <summary>The function behind the destination of that name.</summary>
    public RecordingLambda Lambda(string destination = "Echo") => _lambdas.GetOrAdd(destination, _ => new RecordingLambda());

    ILambda IDestinationClients.Lambda(ListenerRecord listener, DestinationDefinition destination, string arn) => Lambda(destination.Name);

    /// <summary>Where other services are; most tests deliver to functions only.</summary>
    public Func<Arn, AwsConnection>? Connect { get; set; }

    AwsConnection IDestinationClients.Connect(ListenerRecord listener, DestinationDefinition destination, Arn arn) =>
        (Connect ?? throw new NotSupportedException("This test said nothing about services."))(arn);

    /// <summary>Where packet sources' messages come from.</summary>
    public ISqs? Queues { get; private init; }

    /// <summary>What stands for the CloudWatch of whoever owns a destination.</summary>
    public AwsConnection? CloudWatch { get; set; }

    AwsConnection IDestinationClients.ConnectCloudWatch(ListenerRecord listener, DestinationDefinition destination) =>
        CloudWatch ?? throw new NotSupportedException("The test has not said where CloudWatch is.");

    public static ListenerDefinition Udp(params DestinationDefinition[] destinations) => new()
    {
        Name = "test",
        Protocol = ListenerProtocol.Udp,
        Destinations = destinations.Length > 0 ? destinations : [Destination()],
    };

    public static DestinationDefinition Destination(string name = "Echo", int count = 1, double seconds = 60, long bytes = 1_000_000) => new()
    {
        Name = name,
        Arns = new Dictionary<string, string> { ["*"] = $"arn:aws:lambda:eu-central-1:123456789012:function:{name}" },
        Batching = new BatchingDefinition(count, TimeSpan.FromSeconds(seconds), bytes),
    };

    /// <summary>Declares a listener, or changes the one of that id, and waits until it is served.</summary>
    public async Task<ListenerRecord> ServeAsync(ListenerDefinition definition, string id = "test", int? port = null, string? publicKey = null, string? secretId = null)
    {
        var record = await WriteAsync(definition, id, port, publicKey, secretId);
        Assert.True(await Host.WaitUntilServedAsync(id, record.Version, Eventually.Patience, CancellationToken.None));
        return record;
    }

    public async Task<ListenerRecord> WriteAsync(ListenerDefinition definition, string id = "test", int? port = null, string? publicKey = null, string? secretId = null)
    {
        var known = await Store.FindAsync<ListenerRecord>(id, CancellationToken.None);
        var record = new ListenerRecord
        {
            PhysicalResourceId = id,
            StackId = "arn:aws:cloudformation:eu-central-1:123456789012:stack/test/1",
            LogicalResourceId = id,
            Definition = definition,
            Port = port ?? known?.Port ?? FreePort(),
            WireGuardPublicKey = publicKey ?? known?.WireGuardPublicKey,
            SecretId = secretId ?? known?.SecretId,
            RequestId = Guid.NewGuid().ToString(),
        };
        Assert.True(await Store.TryWriteAsync(record, known?.Version ?? 0, CancellationToken.None));
        return (await Store.FindAsync<ListenerRecord>(id, CancellationToken.None))!;
    }

    public async Task RemoveAsync(string id)
    {
        var known = await Store.FindAsync<ListenerRecord>(id, CancellationToken.None);
        Assert.True(await Store.TryDeleteAsync<ListenerRecord>(id, known!.Version, CancellationToken.None));
        await Eventually.TrueAsync(async () => !(await GetAsync($"/readyz/{id}")).IsSuccessStatusCode, $"{id} is no longer served");
    }

    public static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    public Task<HttpResponseMessage> GetAsync(string path) => Http.GetAsync(new Uri(Host.AdminAddress, path));

    public Task<string> MetricsAsync() => Http.GetStringAsync(new Uri(Host.AdminAddress, "/metrics"));

    /// <summary>The value of one series; 0 when there is none.</summary>
    public async Task<double> MetricAsync(string series)
    {
        var line = (await MetricsAsync()).Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture);
    }

    public Task<double> DropsAsync(string reason, string listener = "test") => MetricAsync($$"""udpgw_drops_total{listener="{{listener}}",reason="{{reason}}"}""");

    public Task WaitForDropsAsync(string reason, double count, string listener = "test") =>
        Eventually.TrueAsync(async () => await DropsAsync(reason, listener) >= count, $"{count} drops of {reason}");

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        Store.Dispose();
        _loggers.Dispose();
        _directory.Delete(recursive: true);
    }
}
