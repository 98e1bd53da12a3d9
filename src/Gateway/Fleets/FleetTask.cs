using Amazon.Runtime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using UdpGateway.Aws;

namespace UdpGateway.Gateway.Fleets;

/// <summary>The program's part in a fleet: joins it where its settings name one, and leaves it when the gateway stops.</summary>
internal sealed class FleetTask : IDisposable
{
    // The gateway drains longer than this; whoever has not left by then is found by the provider.
    private static readonly TimeSpan LeaveTime = TimeSpan.FromSeconds(20);

    private readonly AwsConnection _connection;
    private readonly FleetMember _member;

    private FleetTask(AwsConnection connection, FleetMember member)
    {
        _connection = connection;
        _member = member;
    }

    /// <summary>Null for a gateway that belongs to no fleet.</summary>
    /// <exception cref="FormatException">The settings or ECS do not say what a task must know.</exception>
    public static async Task<FleetMembership?> ReadAsync(IConfiguration settings, CancellationToken cancellationToken)
    {
        if (settings["fleet"] is not { Length: > 0 } fleet)
            return null;
        var balancer = settings["load-balancer"] ?? throw new FormatException("Say which balancer the fleet is behind: --load-balancer ARN.");
        var metadata = Environment.GetEnvironmentVariable(TaskIdentity.MetadataVariable)
            ?? throw new FormatException($"A gateway of a fleet runs as a task of ECS, which sets {TaskIdentity.MetadataVariable}; to serve on this machine, leave --fleet out.");
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        return new FleetMembership(fleet, balancer, await TaskIdentity.ReadAsync(metadata, http, cancellationToken));
    }

    public static FleetTask Join(FleetMembership membership, AWSCredentials credentials, GatewayOptions options, string tableName, GatewayHost gateway, FleetPeers? peers, ILoggerFactory loggers)
    {
        var connection = new AwsConnection(credentials, options.Region);
        var member = new FleetMember(
            membership,
            new DynamoDbFleetStore(connection, tableName, TimeSpan.FromSeconds(5)),
            new ElasticLoadBalancingV2Client(connection),
            gateway,
            peers,
            TimeProvider.System,
            loggers.CreateLogger<FleetMember>());
        member.Start();
        return new FleetTask(connection, member);
    }

    /// <param name="stopping">The gateway's stop, which has begun: its readiness fails already.</param>
    public async Task LeaveAsync(Task stopping)
    {
        using (var timeout = new CancellationTokenSource(LeaveTime))
            await _member.LeaveAsync(timeout.Token);
        await stopping;
        using (var timeout = new CancellationTokenSource(LeaveTime))
            await _member.RemoveReportAsync(timeout.Token);
    }

    public void Dispose()
    {
        _member.Dispose();
        _connection.Dispose();
    }
}
