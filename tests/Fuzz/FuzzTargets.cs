using System.Buffers.Binary;
using UdpGateway.WireGuard;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.InnerPackets;
using UdpGateway.WireGuard.Messages;

namespace UdpGateway.Fuzz;

/// <summary>
/// One entry for each parser that takes bytes from the wire. A target throws when the parser does, or when it did what
/// no input may make it do; otherwise it returns.
/// </summary>
/// <remarks>
/// Bytes that cannot pass an authentication by chance are handed over twice: as they are, and with the check in front of
/// the parser satisfied, so that mutation reaches what lies behind it.
/// </remarks>
public static class FuzzTargets
{
    private const int MaxHalfOpen = 8;

    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new Dictionary<string, Action<byte[]>>(StringComparer.Ordinal)
    {
        ["classify"] = Classify,
        ["initiation"] = Initiation,
        ["transport"] = Transport,
        ["inner-packet"] = ClassifyInnerPacket,
        ["response"] = Response,
        ["cookie-reply"] = CookieReply,
    };

    /// <summary>Type, reserved bytes and length.</summary>
    public static void Classify(byte[] bytes)
    {
        if (WireGuardMessage.TryClassify(bytes, out var type) && (bytes.Length < 32 || bytes[0] != (byte)type || bytes[1..4].Any(value => value != 0)))
            throw new FuzzException("Something else was taken for a message.");
    }

    /// <summary>An initiation at the engine, idle and under load.</summary>
    public static void Initiation(byte[] bytes)
    {
        using var tunnel = new FuzzTunnel(MaxHalfOpen);
        Deliver(tunnel, bytes);
        if (bytes.Length != HandshakeInitiationMessage.Size)
            return;
        var signed = new HandshakeInitiationMessage([.. bytes]);
        signed.WriteType();
        Sign(tunnel.ServerPublicKey, signed.CoveredByMac1, signed.Mac1);
        Span<byte> datagram = [.. signed.CoveredByMac2, .. signed.Mac2];
        Deliver(tunnel, datagram.ToArray());
        tunnel.Engine.AccountHandshake(TimeSpan.FromMilliseconds(50), tunnel.Now);
        tunnel.Now += TimeSpan.FromMilliseconds(100);
        var hasCookie = signed.Mac2.ContainsAnyExcept((byte)0);
        if (Deliver(tunnel, datagram.ToArray()).Verdict != ReceiveVerdict.CookieReplied && !hasCookie)
            throw new FuzzException("Under load an initiation without a cookie went further.");
    }

    /// <summary>A transport message as it is, at the index of a live session, and as the payload of a genuine one.</summary>
    public static void Transport(byte[] bytes)
    {
        using var tunnel = new FuzzTunnel(MaxHalfOpen);
        var index = tunnel.Connect();
        if (!Deliver(tunnel, [.. bytes]).IsDrop)
            throw new FuzzException("A packet that no client has sealed was accepted.");
        if (bytes.Length >= TransportDataMessage.MinimumSize)
        {
            var addressed = bytes.ToArray();
            BinaryPrimitives.WriteUInt32LittleEndian(addressed, (uint)WireGuardMessageType.TransportData);
            BinaryPrimitives.WriteUInt32LittleEndian(addressed.AsSpan(sizeof(uint)), index);
            if (!Deliver(tunnel, addressed).IsDrop)
                throw new FuzzException("A packet that no client has sealed was accepted.");
        }

        if (bytes.Length > 60_000)
            return;
        tunnel.Client.Send(bytes, pad: false, tunnel.Now);
        foreach (var datagram in tunnel.Take())
        {
            var result = Deliver(tunnel, datagram);
            if (result.Verdict is not (ReceiveVerdict.Data or ReceiveVerdict.Keepalive or ReceiveVerdict.InnerSourceNotAllowed or ReceiveVerdict.RawNotAllowed))
                throw new FuzzException($"A genuine packet came to {result.Verdict}.");
            if (result.PayloadOffset + result.PayloadLength > datagram.Length)
                throw new FuzzException("The payload lies outside the datagram.");
        }
    }

    /// <summary>The kind and length of a decrypted payload.</summary>
    public static void ClassifyInnerPacket(byte[] bytes)
    {
        var kind = InnerPacket.Classify(bytes, out var length);
        if (length < 0 || length > bytes.Length || (kind == PayloadKind.Raw && length != bytes.Length))
            throw new FuzzException("A packet has a length that its payload does not have.");
        if ((kind == PayloadKind.IPv4 && length < 20) || (kind == PayloadKind.IPv6 && length < 40))
            throw new FuzzException("A packet is shorter than its header.");
    }

    /// <summary>A response at a client whose handshake is pending.</summary>
    public static void Response(byte[] bytes)
    {
        using var tunnel = new FuzzTunnel(MaxHalfOpen);
        var index = tunnel.Initiate();
        tunnel.Client.Receive([.. bytes], tunnel.Now, out _, out _);
        if (bytes.Length != HandshakeResponseMessage.Size || tunnel.Client.IsConnected)
            return;
        var signed = new HandshakeResponseMessage([.. bytes]);
        signed.WriteType();
        signed.ReceiverIndex = index;
        Sign(tunnel.Client.PublicKey, signed.CoveredByMac1, signed.Mac1);
        Span<byte> datagram = [.. signed.CoveredByMac2, .. signed.Mac2];
        tunnel.Client.Receive(datagram, tunnel.Now, out _, out _);
    }

    /// <summary>A cookie reply at a client whose handshake is pending.</summary>
    public static void CookieReply(byte[] bytes)
    {
        using var tunnel = new FuzzTunnel(MaxHalfOpen);
        var index = tunnel.Initiate();
        tunnel.Client.Receive([.. bytes], tunnel.Now, out _, out _);
        if (bytes.Length == CookieReplyMessage.Size)
        {
            var addressed = bytes.ToArray();
            BinaryPrimitives.WriteUInt32LittleEndian(addressed, (uint)WireGuardMessageType.CookieReply);
            BinaryPrimitives.WriteUInt32LittleEndian(addressed.AsSpan(sizeof(uint)), index);
            tunnel.Client.Receive(addressed, tunnel.Now, out _, out _);
        }

        if (tunnel.Client.IsConnected)
            throw new FuzzException("A cookie reply completed a handshake.");
    }

    private static ReceiveResult Deliver(FuzzTunnel tunnel, byte[] datagram)
    {
        Span<byte> reply = stackalloc byte[WireGuardEngine.MaxReplySize];
        var result = tunnel.Engine.Receive(datagram, FuzzTunnel.Source, tunnel.Now, reply);
        var expected = result.Verdict switch
        {
            ReceiveVerdict.InitiationAnswered => HandshakeResponseMessage.Size,
            ReceiveVerdict.CookieReplied => CookieReplyMessage.Size,
            _ => 0,
        };
        if (result.ReplyLength != expected)
            throw new FuzzException($"{result.Verdict} has a reply of {result.ReplyLength} bytes.");
        return result;
    }

    private static void Sign(ReadOnlySpan<byte> receiver, ReadOnlySpan<byte> covered, Span<byte> mac1)
    {
        Span<byte> key = stackalloc byte[32];
        Blake2s.Hash(WireGuardSpecification.LabelMac1, receiver, key);
        Blake2s.Mac(key, covered, mac1);
    }
}

/// <summary>What a parser did and may never do.</summary>
public sealed class FuzzException : Exception
{
    public FuzzException()
    {
    }

    public FuzzException(string message)
        : base(message)
    {
    }

    public FuzzException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
