namespace UdpGateway.WireGuard;

/// <summary>What became of a payload that was to be sent to a peer.</summary>
public enum SealVerdict : byte
{
    /// <summary>The datagram is ready to be sent to the endpoint.</summary>
    Sealed,

    /// <summary>The peer is not known (any more).</summary>
    UnknownPeer,

    /// <summary>The peer has no confirmed session that is young enough to send on; the gateway never initiates.</summary>
    NoSession,

    /// <summary>The payload does not fit into the buffer or a UDP datagram.</summary>
    TooLong,
}

/// <param name="Length">Bytes of the datagram, header and tag included.</param>
/// <param name="Endpoint">The peer's newest authenticated endpoint.</param>
public readonly record struct SealResult(SealVerdict Verdict, int Length, PeerEndpoint Endpoint);
