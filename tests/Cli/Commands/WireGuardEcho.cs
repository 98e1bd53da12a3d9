using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.Tests.Commands;

/// <summary>
/// The far end of a tunnel: the gateway's own engine, which sends each payload back. In IP packets it exchanges addresses and
/// ports and turns an echo request into a reply; all of these leave the checksums right, or change them by a known amount.
/// </summary>
internal sealed class WireGuardEcho : IAsyncDisposable
{
    private readonly ICryptoBackend _crypto = CryptoBackends.CreateBest();
    private readonly WireGuardEngine _engine;
    private readonly UdpResponder _responder;
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    public WireGuardEcho(byte[]? presharedKey = null)
    {
        Span<byte> privateKey = stackalloc byte[32];
        WireGuardKeys.GeneratePrivateKey(privateKey);
        var publicKey = new byte[32];
        WireGuardKeys.ComputePublicKey(privateKey, publicKey);
        PublicKey = Convert.ToBase64String(publicKey);
        _engine = new WireGuardEngine(new WireGuardEngineOptions(), _crypto, RandomNumberGenerator.Fill);
        _engine.Apply([new TunnelConfiguration
        {
            TunnelId = 1,
            PrivateKeys = [new SecretKey(privateKey)],
            AllowUnknownPeers = true,
            UnknownPeerPresharedKey = presharedKey is null ? PresharedKey.None : new PresharedKey(new SecretKey(presharedKey)),
        }], _clock.Elapsed);
        _responder = new UdpResponder(Answer);
    }

    public string Endpoint => _responder.Endpoint;

    public string PublicKey { get; }

    public async ValueTask DisposeAsync()
    {
        await _responder.DisposeAsync();
        _engine.Dispose();
        _crypto.Dispose();
    }

    private byte[][] Answer(byte[] datagram, IPEndPoint source)
    {
        var reply = new byte[2048];
        var result = _engine.Receive(datagram, PeerEndpoint.From(source), _clock.Elapsed, reply);
        if (result.ReplyLength > 0)
            return [reply[..result.ReplyLength]];
        if (result.Verdict != ReceiveVerdict.Data)
            return [];

        var payload = datagram.AsSpan(result.PayloadOffset, result.PayloadLength);
        if (result.PayloadKind != PayloadKind.Raw)
            TurnRound(payload, result.PayloadKind == PayloadKind.IPv4 ? 20 : 40);
        payload.CopyTo(reply.AsSpan(WireGuardEngine.HeaderSize));
        var isPacket = result.PayloadKind != PayloadKind.Raw;
        var seal = _engine.Seal(result.Peer, reply, payload.Length, isPacket, _clock.Elapsed);
        return seal.Verdict == SealVerdict.Sealed ? [reply[..seal.Length]] : [];
    }

    private static void TurnRound(Span<byte> packet, int headerSize)
    {
        var addressSize = headerSize == 20 ? 4 : 16;
        Exchange(packet[(headerSize - 2 * addressSize)..headerSize]);
        var message = packet[headerSize..];
        var protocol = headerSize == 20 ? packet[9] : packet[6];
        if (protocol == 17)
        {
            Exchange(message[..4]);
            return;
        }

        // From 8 to 0, and from 128 to 129: the checksum grows by 8, or shrinks by 1, in its high byte, with the carry around.
        var checksum = message[2] << 8 | message[3];
        checksum += protocol == 1 ? 0x0800 : 0xffff - 0x0100;
        checksum = (checksum & 0xffff) + (checksum >> 16);
        (message[2], message[3]) = ((byte)(checksum >> 8), (byte)checksum);
        message[0] = protocol == 1 ? (byte)0 : (byte)129;
    }

    private static void Exchange(Span<byte> halves)
    {
        var half = halves.Length / 2;
        Span<byte> first = stackalloc byte[half];
        halves[..half].CopyTo(first);
        halves[half..].CopyTo(halves);
        first.CopyTo(halves[half..]);
    }
}
