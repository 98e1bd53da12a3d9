using System.Net;
using System.Net.Sockets;
using UdpGateway.Gateway;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider;

namespace UdpGateway.Cli.LocalStack;

/// <summary>What the balancer and its tasks are on AWS: the gateway in this process, and the UDP ports of this machine.</summary>
/// <param name="requestedPorts">By logical id, from <c>--port</c>; they go before the template's Port.</param>
internal sealed class LocalProvisioner(GatewayHost gateway, IPAddress bindAddress, IReadOnlyDictionary<string, int> requestedPorts, StackState state) : IListenerProvisioner
{
    private static readonly TimeSpan ServeTimeout = TimeSpan.FromSeconds(15);

    /// <summary>The port that the user asks for, else the one that this listener had before, else a free one.</summary>
    public Task<ListenerPorts> AllocatePortAsync(string physicalResourceId, string logicalResourceId, ListenerDefinition definition, CancellationToken cancellationToken)
    {
        var asked = requestedPorts.TryGetValue(logicalResourceId, out var option) ? option : definition.Port;
        if (asked is { } port && FindObstacle(bindAddress, port) is { } obstacle)
            throw new ProvisioningException($"UDP port {port} on {bindAddress} cannot be used: {obstacle} Choose another one with --port {logicalResourceId}=PORT.");
        var remembered = state.Ports.TryGetValue(logicalResourceId, out var known) && FindObstacle(bindAddress, known) is null ? known : (int?)null;
        var allocated = asked ?? remembered ?? FreePort();
        state.Ports[logicalResourceId] = allocated;
        return Task.FromResult(new ListenerPorts(allocated));
    }

    public async Task WaitUntilServedAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        try
        {
            if (!await gateway.WaitUntilServedAsync(record.PhysicalResourceId, record.Version, ServeTimeout, cancellationToken))
                throw new ProvisioningException($"The gateway did not serve {record.PhysicalResourceId} within {ServeTimeout.TotalSeconds} s.");
        }
        catch (ListenerNotServedException exception)
        {
            throw new ProvisioningException(exception.Message, exception);
        }
    }

    /// <summary>Nothing to give back: the gateway closes the port when the record is gone.</summary>
    public Task ReleaseAsync(ListenerRecord record, CancellationToken cancellationToken) => Task.CompletedTask;

    private int FreePort()
    {
        using var socket = new Socket(bindAddress.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(bindAddress, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Why a UDP port cannot be bound, as the rest of a sentence; port 0 asks about the address only.</summary>
    internal static string? FindObstacle(IPAddress address, int port)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            return null;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "another program has it.",
                SocketError.AccessDenied => "only root may bind it.",
                SocketError.AddressNotAvailable => "this machine has no such address.",
                _ => exception.Message + ".",
            };
        }
    }
}
