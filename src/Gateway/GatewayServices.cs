using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Sockets;
using UdpGateway.Gateway.Workers;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway;

/// <summary>What all listeners of a gateway share.</summary>
internal sealed record GatewayServices
{
    public required GatewayOptions Options { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>The same time, as workers and engines read it.</summary>
    public required GatewayClock Clock { get; init; }

    public required IDatagramPlatform Platform { get; init; }

    public required IReadOnlyList<Worker> Workers { get; init; }

    public required ISecretStore Secrets { get; init; }

    public required IDestinationClients Clients { get; init; }

    public required Func<DestinationContext, IDestination> CreateDestination { get; init; }

    public required GatewayMetrics Metrics { get; init; }

    public required CustomerReports Reports { get; init; }

    public required ILoggerFactory Loggers { get; init; }

    /// <summary>Cancelled when deliveries are no longer waited for.</summary>
    public required CancellationToken Stopping { get; init; }
}
