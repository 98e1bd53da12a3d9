using System.Buffers.Binary;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.Messages;

namespace UdpGateway.WireGuard.Tests.Scenarios;

/// <summary>
/// A client whose every message the test decides: any timestamp, any counter, any payload. It has no timers, no window
/// and no opinion.
/// </summary>
internal sealed class HandmadeClient : IDisposable
{
    private readonly Tunnels _tunnels;
    private readonly RandomFill _random;
    private readonly X25519Key _static;
    private readonly byte[] _publicKey = new byte[32];
    private readonly byte[] _serverPublicKey;
    private readonly byte[] _sendingKey = new byte[32];
    private readonly byte[] _receivingKey = new byte[32];
    private InitiatorHandshake? _handshake;

    public HandmadeClient(Tunnels tunnels, SecretKey privateKey, byte[] serverPublicKey, RandomFill random)
    {
        _tunnels = tunnels;
        _random = random;
        _static = tunnels.Crypto.ImportPrivateKey(privateKey.Bytes, _publicKey);
        _serverPublicKey = serverPublicKey;
    }

    public byte[] PublicKey => _publicKey;

    /// <summary>The server's index of the session that <see cref="TryConsume"/> derived last.</summary>
    public uint RemoteIndex { get; private set; }

    /// <summary>mac1 made anew after the test has changed an initiation.</summary>
    public static byte[] Sign(byte[] initiation, byte[] serverPublicKey)
    {
        var key = new byte[32];
        Blake2s.Hash("mac1----"u8, serverPublicKey, key);
        Blake2s.Mac(key, initiation.AsSpan(0, 116), initiation.AsSpan(116, 16));
        return initiation;
    }

    /// <param name="timestamp">Null for the time of the virtual wall clock.</param>
    /// <param name="claimedStatic">A static key to send that is not our own.</param>
    public byte[] Initiate(Tai64n? timestamp = null, byte[]? claimedStatic = null)
    {
        var datagram = new byte[Paper.InitiationSize];
        _handshake?.Dispose();
        _handshake = InitiatorHandshake.Create(
            _tunnels.Crypto,
            _static,
            claimedStatic ?? _publicKey,
            _serverPublicKey,
            new HandshakeInitiationMessage(datagram),
            0x0badcafe,
            timestamp ?? Tai64n.From(_tunnels.WallClock),
            _random);
        return datagram;
    }

    public bool TryConsume(byte[] response, SecretKey? presharedKey = null)
    {
        if (response.Length != Paper.ResponseSize)
            return false;
        RemoteIndex = BinaryPrimitives.ReadUInt32LittleEndian(response.AsSpan(4));
        return _handshake!.TryConsumeResponse(
            new HandshakeResponseMessage(response), presharedKey is null ? new byte[32] : presharedKey.Bytes, _sendingKey, _receivingKey);
    }

    /// <summary>Handshake without confirmation; the engine's answer.</summary>
    public Received Handshake(SecretKey? presharedKey = null)
    {
        var received = _tunnels.Deliver(Initiate());
        TryConsume(received.Answer, presharedKey);
        return received;
    }

    /// <summary>Handshake and a first packet with counter 0.</summary>
    public PeerId Connect(SecretKey? presharedKey = null)
    {
        Handshake(presharedKey);
        var received = _tunnels.Deliver(Seal(0, []));
        Assert.True(received.Result.HandshakeCompleted);
        return received.Result.Peer;
    }

    public byte[] Seal(ulong counter, ReadOnlySpan<byte> payload)
    {
        var datagram = new byte[payload.Length + Paper.TransportOverhead];
        datagram[0] = Paper.TransportType;
        BinaryPrimitives.WriteUInt32LittleEndian(datagram.AsSpan(4), RemoteIndex);
        BinaryPrimitives.WriteUInt64LittleEndian(datagram.AsSpan(8), counter);
        _tunnels.Crypto.Seal(_sendingKey, counter, payload, [], datagram.AsSpan(16));
        return datagram;
    }

    /// <summary>Null if the datagram does not open.</summary>
    public byte[]? Open(byte[] datagram)
    {
        var payload = new byte[datagram.Length - Paper.TransportOverhead];
        var counter = CounterOf(datagram);
        return _tunnels.Crypto.TryOpen(_receivingKey, counter, datagram.AsSpan(16), [], payload) ? payload : null;
    }

    public static ulong CounterOf(byte[] datagram) => BinaryPrimitives.ReadUInt64LittleEndian(datagram.AsSpan(8));

    public void Dispose()
    {
        _handshake?.Dispose();
        _tunnels.Crypto.Release(_static);
    }
}
