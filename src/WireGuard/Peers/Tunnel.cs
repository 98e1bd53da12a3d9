using System.Net.Sockets;
using System.Runtime.InteropServices;
using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.InnerPackets;

namespace UdpGateway.WireGuard.Peers;

/// <summary>One listener as the engine serves it: a configuration with its keys imported and its peers indexed.</summary>
internal sealed class Tunnel : IDisposable
{
    private readonly TunnelConfiguration _configuration;
    private readonly Dictionary<StaticKey, int> _namedPeers = [];
    private readonly PeerRights[] _rights;

    public Tunnel(int slot, TunnelConfiguration configuration, ICryptoBackend crypto)
    {
        Slot = slot;
        _configuration = configuration;
        Identities = configuration.PrivateKeys.Select(key => new ServerIdentity(crypto, key, slot)).ToArray();
        AllowedIPs = new AllowedIPs(configuration.Peers);
        _rights = new PeerRights[configuration.Peers.Count];
        for (var i = 0; i < _rights.Length; i++)
        {
            var peer = configuration.Peers[i];
            _namedPeers[StaticKey.Read(peer.PublicKey)] = i;
            _rights[i] = new PeerRights(
                AllowedIPs.AllowsAny(peer, AddressFamily.InterNetwork),
                AllowedIPs.AllowsAny(peer, AddressFamily.InterNetworkV6));
        }
    }

    public int Slot { get; }

    public int TunnelId => _configuration.TunnelId;

    /// <summary>The current identity first.</summary>
    public ServerIdentity[] Identities { get; }

    public AllowedIPs AllowedIPs { get; }

    public bool AllowUnknownPeers => _configuration.AllowUnknownPeers;

    /// <summary>The peer's place among the named ones, or <see cref="InnerPackets.AllowedIPs.NoPeer"/>.</summary>
    public int FindNamedPeer(ReadOnlySpan<byte> publicKey) =>
        _namedPeers.TryGetValue(StaticKey.Read(publicKey), out var peer) ? peer : AllowedIPs.NoPeer;

    public PresharedKey PresharedKeyOf(int namedPeer) =>
        namedPeer == AllowedIPs.NoPeer ? _configuration.UnknownPeerPresharedKey : _configuration.Peers[namedPeer].PresharedKey;

    /// <summary>Whether the peer may send this payload (design: longest prefix over the whole listener).</summary>
    public ReceiveVerdict CheckPayload(int namedPeer, PayloadKind kind, ReadOnlySpan<byte> payload)
    {
        // Unknown peers have the rights of a peer without AllowedIPs.
        var rights = namedPeer == AllowedIPs.NoPeer ? PeerRights.Any : _rights[namedPeer];
        if (kind == PayloadKind.Raw)
            return rights.AnyIPv4 || rights.AnyIPv6 ? ReceiveVerdict.Data : ReceiveVerdict.RawNotAllowed;
        var isAny = kind == PayloadKind.IPv4 ? rights.AnyIPv4 : rights.AnyIPv6;
        var source = kind == PayloadKind.IPv4 ? payload.Slice(12, 4) : payload.Slice(8, 16);
        var owner = AllowedIPs.IsEmpty ? AllowedIPs.NoPeer : AllowedIPs.FindOwner(source);
        var isAllowed = owner == AllowedIPs.NoPeer ? isAny : owner == namedPeer;
        return isAllowed ? ReceiveVerdict.Data : ReceiveVerdict.InnerSourceNotAllowed;
    }

    public void Dispose()
    {
        foreach (var identity in Identities)
            identity.Dispose();
    }

    private readonly record struct PeerRights(bool AnyIPv4, bool AnyIPv6)
    {
        public static PeerRights Any => new(true, true);
    }

    private readonly record struct StaticKey(UInt128 First, UInt128 Second)
    {
        public static StaticKey Read(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<StaticKey>(bytes);
    }
}
