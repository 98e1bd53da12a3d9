using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using UdpGateway.Gateway.Observability;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway;

/// <summary>How datagrams reach the kernel.</summary>
public enum SocketBackend
{
    /// <summary><see cref="Linux"/> where it runs, else <see cref="Portable"/>.</summary>
    Best,

    /// <summary>recvmmsg and sendmmsg over poll.</summary>
    Linux,

    /// <summary>Plain <see cref="System.Net.Sockets.Socket"/> calls.</summary>
    Portable,
}

/// <summary>Settings of one gateway process.</summary>
public sealed partial record GatewayOptions
{
    /// <summary>Listeners bind this address; its family decides between IPv4 and IPv6.</summary>
    public IPAddress BindAddress { get; init; } = IPAddress.Loopback;

    /// <summary>The address that packets report as <c>Local.IpAddress</c>; null means <see cref="BindAddress"/>.</summary>
    public IPAddress? LocalAddress { get; init; }

    /// <summary>TCP port of the admin endpoint on 127.0.0.1, with everything; 0 takes a free one.</summary>
    public int AdminPort { get; init; }

    /// <summary>Serve only the listeners of this fleet; null for all that the store has.</summary>
    public string? Fleet { get; init; }

    /// <summary>Threads that serve; each has its own socket per port.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>
    /// Where a balancer asks for <c>/livez</c> and <c>/readyz</c>: a TCP port on <see cref="BindAddress"/>; 0 takes a free one, null
    /// opens none. It serves the rest to <see cref="AdminNetworks"/> only.
    /// </summary>
    public int? HealthPort { get; init; }

    /// <summary>From where <c>/metrics</c> and <c>/config</c> may be read at <see cref="HealthPort"/>.</summary>
    public IReadOnlyList<IPNetwork> AdminNetworks { get; init; } = [];

    /// <summary>
    /// Whether <c>/healthz</c> waits for <see cref="GatewayHost.ConfirmHealthy"/>: so a rolling update does not end the old task before
    /// the balancer sends packets to the new one.
    /// </summary>
    public bool WaitsForBalancer { get; init; }

    /// <summary>How long a stop goes on serving while nothing new is sent here: balancers keep existing flows for up to two minutes.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a stop then waits for batches and replies that are under way.</summary>
    public TimeSpan FlushTime { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>How often the store's revision is read; at most one second.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often keys behind secret references are read again.</summary>
    public TimeSpan SecretRefreshInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a listener's former key, and the previous value of a rotated pre-shared key, are still accepted; zero for not at all.</summary>
    public TimeSpan RotationGrace { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Whether an initiation with an older timestamp is refused always, or accepted from a key without a usable session: for
    /// devices whose clock starts anew at every boot.
    /// </summary>
    public TimestampPolicy TimestampPolicy { get; init; }

    /// <summary>The ingress region: packets carry it, and destinations are chosen by it.</summary>
    public string Region { get; init; } = "us-west-2";

    /// <summary>The name that clients use, reported as <c>Local.Domain</c>.</summary>
    public string Domain { get; init; } = "127.0.0.1";

    /// <summary>Name servers for ClientRestrictions.Domains; empty means those of the system.</summary>
    public IReadOnlyList<IPEndPoint> NameServers { get; init; } = [];

    /// <summary>How long an answer of theirs serves at least, whatever its time to live says.</summary>
    public TimeSpan MinimumNameAge { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes asked of the kernel for each socket; what it granted is logged.</summary>
    public int ReceiveBufferBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Deliveries of one destination at a time unless the destination says otherwise.</summary>
    public int DeliveryConcurrency { get; init; } = 64;

    /// <summary>Packets that may wait for one destination.</summary>
    public int DestinationQueuePackets { get; init; } = 65_536;

    /// <summary>Payload bytes that may wait for one destination.</summary>
    public long DestinationQueueBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>CloudWatch namespace of the metrics of destinations with MetricsEnabled.</summary>
    public string MetricsNamespace { get; init; } = "UdpGateway";

    public SocketBackend SocketBackend { get; init; }

    /// <summary>How the fleet's other tasks are asked for sessions that this one does not have; null for a gateway by itself.</summary>
    public FleetRelayOptions? Relay { get; init; }

    /// <summary>Sees every packet; null, as on AWS, costs nothing.</summary>
    internal IPacketTap? Tap { get; init; }

    /// <summary>Adds pages to the admin endpoint, behind its check of Host and Origin.</summary>
    internal Action<IEndpointRouteBuilder>? AdminPages { get; init; }

    /// <summary>Every setting that is out of range, each as one sentence.</summary>
    internal IReadOnlyList<string> FindProblems()
    {
        var problems = new List<string>();
        if (Workers is < 1 or > 256)
            problems.Add($"Workers is {Workers}; 1 to 256 are possible.");
        if (AdminPort is < 0 or > 65_535)
            problems.Add($"AdminPort is {AdminPort}; 0 to 65535 are possible.");
        if (HealthPort is < 0 or > 65_535)
            problems.Add($"HealthPort is {HealthPort}; 0 to 65535 are possible.");
        if (HealthPort is > 0 && HealthPort == AdminPort)
            problems.Add($"HealthPort and AdminPort are both {AdminPort}; they must differ.");
        if (AdminNetworks.Count > 0 && HealthPort is null)
            problems.Add("AdminNetworks are given without a HealthPort; without it the admin endpoint is on loopback only.");
        if (!MetricsNamespacePattern().IsMatch(MetricsNamespace))
            problems.Add($"MetricsNamespace is \"{MetricsNamespace}\"; it must be 1 to 255 letters, digits and . - _ / # : characters that do not begin with AWS/ or a colon.");
        if (PollInterval <= TimeSpan.Zero || PollInterval > TimeSpan.FromSeconds(1))
            problems.Add($"PollInterval is {PollInterval}; it must be positive and at most one second.");
        if (SecretRefreshInterval <= TimeSpan.Zero)
            problems.Add($"SecretRefreshInterval is {SecretRefreshInterval}; it must be positive.");
        if (MinimumNameAge <= TimeSpan.Zero || MinimumNameAge > TimeSpan.FromHours(1))
            problems.Add($"MinimumNameAge is {MinimumNameAge}; it must be positive and at most one hour.");
        if (DrainTime < TimeSpan.Zero)
            problems.Add($"DrainTime is {DrainTime}; it must not be negative.");
        if (FlushTime < TimeSpan.Zero)
            problems.Add($"FlushTime is {FlushTime}; it must not be negative.");
        if (RotationGrace < TimeSpan.Zero)
            problems.Add($"RotationGrace is {RotationGrace}; it must not be negative.");
        if (DeliveryConcurrency < 1)
            problems.Add($"DeliveryConcurrency is {DeliveryConcurrency}; it must be at least 1.");
        if (Relay is { Port: < 0 or > 65_535 })
            problems.Add($"Relay.Port is {Relay.Port}; 0 to 65535 are possible.");
        if (DestinationQueuePackets < 1 || DestinationQueueBytes < 1)
            problems.Add("DestinationQueuePackets and DestinationQueueBytes must be at least 1.");
        return problems;
    }

    // CloudWatch API Reference, "PutMetricData".
    [GeneratedRegex(@"\A(?!AWS/|:)[.\-_/#:A-Za-z0-9]{1,255}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex MetricsNamespacePattern();
}
