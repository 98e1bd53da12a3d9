namespace UdpGateway.Cli.Client;

/// <summary>Takes payloads to one endpoint and back: plain UDP, or a WireGuard session.</summary>
internal interface IPayloadChannel : IDisposable
{
    /// <summary>Why nothing comes back although datagrams leave; null when the channel knows of no reason.</summary>
    string? Complaint { get; }

    /// <param name="isPacket">The payload is an IP packet, which WireGuard pads.</param>
    Task SendAsync(ReadOnlyMemory<byte> payload, bool isPacket, CancellationToken cancellationToken);

    /// <summary>The next payload, valid until the next call; null when the time is over.</summary>
    Task<ReadOnlyMemory<byte>?> ReceiveAsync(TimeSpan timeout, CancellationToken cancellationToken);
}
