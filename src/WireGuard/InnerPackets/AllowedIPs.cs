using System.Buffers.Binary;
using System.Net.Sockets;

namespace UdpGateway.WireGuard.InnerPackets;

/// <summary>
/// Which named peer an inner source belongs to: longest prefix over the whole listener (paper §2, cryptokey routing).
/// A prefix of length 0 is normal on any number of peers and means every source that no longer prefix covers, so it is
/// kept with the peer and not here.
/// </summary>
internal sealed class AllowedIPs
{
    public const int NoPeer = -1;

    private readonly Level[] _ipv4;
    private readonly Level[] _ipv6;

    public AllowedIPs(IReadOnlyList<NamedPeer> peers)
    {
        var ipv4 = new SortedDictionary<int, Dictionary<UInt128, int>>();
        var ipv6 = new SortedDictionary<int, Dictionary<UInt128, int>>();
        Span<byte> address = stackalloc byte[16];
        for (var peer = 0; peer < peers.Count; peer++)
        {
            foreach (var network in peers[peer].AllowedIPs)
            {
                if (network.PrefixLength == 0)
                    continue;
                network.BaseAddress.TryWriteBytes(address, out var size);
                var levels = size == 4 ? ipv4 : ipv6;
                if (!levels.TryGetValue(network.PrefixLength, out var level))
                    levels.Add(network.PrefixLength, level = []);
                level[Read(address[..size])] = peer;
            }
        }

        _ipv4 = ToLevels(ipv4, 32);
        _ipv6 = ToLevels(ipv6, 128);
    }

    /// <summary>Whether the listener has no prefix longer than 0 at all, the usual case.</summary>
    public bool IsEmpty => _ipv4.Length == 0 && _ipv6.Length == 0;

    /// <summary>The peer whose longest prefix covers the address (4 or 16 bytes), or <see cref="NoPeer"/>.</summary>
    public int FindOwner(ReadOnlySpan<byte> address)
    {
        var value = Read(address);
        foreach (var level in address.Length == 4 ? _ipv4 : _ipv6)
        {
            if (level.Peers.TryGetValue(value & level.Mask, out var peer))
                return peer;
        }

        return NoPeer;
    }

    public static bool AllowsAny(NamedPeer peer, AddressFamily family)
    {
        foreach (var network in peer.AllowedIPs)
        {
            if (network.PrefixLength == 0 && network.BaseAddress.AddressFamily == family)
                return true;
        }

        return peer.AllowedIPs.Count == 0;
    }

    private static Level[] ToLevels(SortedDictionary<int, Dictionary<UInt128, int>> levels, int bits) =>
        levels.Reverse().Select(level => new Level(UInt128.MaxValue << (bits - level.Key), level.Value)).ToArray();

    private static UInt128 Read(ReadOnlySpan<byte> address) =>
        address.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(address) : BinaryPrimitives.ReadUInt128BigEndian(address);

    /// <summary>All prefixes of one length; few lengths occur, so one dictionary a length beats a trie.</summary>
    private readonly record struct Level(UInt128 Mask, Dictionary<UInt128, int> Peers);
}
