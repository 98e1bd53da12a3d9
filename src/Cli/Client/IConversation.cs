namespace UdpGateway.Cli.Client;

/// <summary>What <c>udpgw send</c> says to the far end, and what it takes for an answer.</summary>
internal interface IConversation
{
    /// <summary>Whether the payloads are IP packets.</summary>
    bool SpeaksIp { get; }

    /// <param name="number">Counts from 0.</param>
    ReadOnlyMemory<byte> Request(int number);

    /// <summary>The line to print; null when the payload answers nothing that was asked.</summary>
    /// <param name="request">The number of the request that it answers; null when the payload does not say.</param>
    string? ReadReply(ReadOnlySpan<byte> payload, out int? request);
}
