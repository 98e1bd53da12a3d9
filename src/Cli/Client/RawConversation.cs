namespace UdpGateway.Cli.Client;

/// <summary>The messages are the payloads, one after the other and from the first again.</summary>
internal sealed class RawConversation(IReadOnlyList<byte[]> messages, PayloadText text) : IConversation
{
    public bool SpeaksIp => false;

    public ReadOnlyMemory<byte> Request(int number) => messages[number % messages.Count];

    public string ReadReply(ReadOnlySpan<byte> payload, out int? request)
    {
        request = null;
        return text.Write(payload);
    }
}
