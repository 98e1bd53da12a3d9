using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tunnels;

/// <summary>
/// Handshake initiations that wait until no data does: a handshake takes as long as a hundred packets, and packets of
/// established sessions come first. One worker owns it; what finds no room is dropped.
/// </summary>
internal sealed class InitiationQueue
{
    /// <summary>Some fifty milliseconds of handshakes.</summary>
    private const int Capacity = 256;
    private const int InitiationSize = 148; // paper §5.4.2
    private const byte InitiationType = 1;

    private readonly byte[] _datagrams = new byte[Capacity * InitiationSize];
    private readonly PeerEndpoint[] _sources = new PeerEndpoint[Capacity];
    private int _first;
    private int _count;

    public bool IsEmpty => _count == 0;

    /// <summary>By its first byte and length; the engine checks the rest.</summary>
    public static bool IsInitiation(ReadOnlySpan<byte> datagram) => datagram.Length == InitiationSize && datagram[0] == InitiationType;

    public bool TryAdd(ReadOnlySpan<byte> initiation, in PeerEndpoint source)
    {
        if (_count == Capacity)
            return false;
        var slot = (_first + _count) % Capacity;
        initiation.CopyTo(_datagrams.AsSpan(slot * InitiationSize));
        _sources[slot] = source;
        _count++;
        return true;
    }

    /// <summary>The oldest; its bytes are valid until the next <see cref="TryAdd"/>.</summary>
    public bool TryTake(out Span<byte> initiation, out PeerEndpoint source)
    {
        if (_count == 0)
        {
            initiation = default;
            source = default;
            return false;
        }

        initiation = _datagrams.AsSpan(_first * InitiationSize, InitiationSize);
        source = _sources[_first];
        _first = (_first + 1) % Capacity;
        _count--;
        return true;
    }

    public void Clear() => _count = 0;
}
