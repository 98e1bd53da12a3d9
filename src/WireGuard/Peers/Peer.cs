using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.Sessions;

namespace UdpGateway.WireGuard.Peers;

internal enum PeerState : byte
{
    Free,

    /// <summary>Its timestamp was authentic, but it has not yet proved that it holds the pre-shared key and hears us.</summary>
    HalfOpen,

    /// <summary>A transport packet of it opened. Only now may anything be delivered, sent or kept on its behalf.</summary>
    Confirmed,
}

/// <summary>All that is kept of one static key of one tunnel; a record of the engine's slab.</summary>
internal unsafe struct Peer
{
    // What every packet touches fills the record's first cache line.
    public PeerEndpoint Endpoint;

    /// <summary>When to send a passive keepalive; zero for not at all.</summary>
    public TimeSpan KeepaliveDue;

    /// <summary>The peer's place in the timer wheel.</summary>
    public TimeSpan Deadline;

    public uint Generation;
    public uint Current;
    public uint Next;

    /// <summary>Place in the tunnel's list of named peers, or <see cref="InnerPackets.AllowedIPs.NoPeer"/>.</summary>
    public int NamedPeer;

    public ushort Tunnel;
    public PeerState State;
    public bool HasTimer;

    /// <summary>Data came again while a passive keepalive was already due (paper §6.5).</summary>
    public bool NeedsAnotherKeepalive;

    /// <summary>The pre-shared key that the last answered initiation used.</summary>
    public bool TriedPreviousKey;

    /// <summary>The pre-shared key that the last confirmed handshake used.</summary>
    public bool ConfirmedPreviousKey;

    /// <summary>Which identity <see cref="StaticShared"/> was computed with, plus one; 0 for none.</summary>
    public byte StaticSharedIdentity;

    private fixed byte _publicKey[WireGuardSpecification.KeySize];

    /// <summary>DH(S_r, S_i), cached: it saves one of five multiplications at every rekey.</summary>
    private fixed byte _staticShared[WireGuardSpecification.KeySize];

    public uint Previous;

    /// <summary>The greatest timestamp seen (paper §5.1).</summary>
    public Tai64n Timestamp;

    public TimeSpan LastInitiation;

    public uint TimerNext;
    public uint TimerPrevious;

    /// <summary>Chain of the hash bucket.</summary>
    public uint HashNext;

    // Half-open strangers queue in the order of their arrival; peers with a current session are in the chain of their endpoint's
    // bucket. Nobody is both: the first current session comes after the queue is left.
    public uint ListNext;
    public uint ListPrevious;

    /// <summary>Responses in a row that no transport packet has confirmed.</summary>
    public byte UnconfirmedResponses;

    public Span<byte> PublicKey
    {
        [UnscopedRef]
        get => MemoryMarshal.CreateSpan(ref _publicKey[0], WireGuardSpecification.KeySize);
    }

    public Span<byte> StaticShared
    {
        [UnscopedRef]
        get => MemoryMarshal.CreateSpan(ref _staticShared[0], WireGuardSpecification.KeySize);
    }

    public readonly bool HasAnySession => Current != NativeSlab<Session>.None || Previous != NativeSlab<Session>.None || Next != NativeSlab<Session>.None;
}
