using UdpGateway.WireGuard.Handshake;

namespace UdpGateway.WireGuard.Peers;

/// <summary>
/// Timestamps of peers that were evicted, so that their old initiations stay replays. A bounded, lossy memory: losing
/// an entry costs one response to a replay and nothing else, because a replay cannot be confirmed.
/// </summary>
internal sealed class Tombstones(KeyHash hash)
{
    private const int Places = 65_536;

    /// <summary>Made with the first eviction.</summary>
    private Entry[]? _entries;

    public void Bury(ReadOnlySpan<byte> publicKey, Tai64n timestamp)
    {
        _entries ??= new Entry[Places];
        var key = hash.Compute(publicKey);
        _entries[key % Places] = new Entry(key, timestamp);
    }

    /// <summary>Whether the key was evicted with this timestamp or a later one.</summary>
    public bool Forbids(ReadOnlySpan<byte> publicKey, Tai64n timestamp)
    {
        if (_entries is null)
            return false;
        var key = hash.Compute(publicKey);
        var entry = _entries[key % Places];
        return entry.Key == key && timestamp <= entry.Timestamp;
    }

    private readonly record struct Entry(ulong Key, Tai64n Timestamp);
}
