using System.Runtime.InteropServices;
using UdpGateway.WireGuard.Messages;

namespace UdpGateway.WireGuard.Sessions;

/// <summary>
/// The keys of one handshake, for both directions. Lives in native memory (a slab of the engine, one record of the
/// client) and is zeroed when it is freed.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal unsafe struct Session
{
    // What receiving touches fills the record's first cache line.
    private fixed byte _receivingKey[WireGuardSpecification.KeySize];
    private ReplayWindow _window;

    /// <summary>When the keys were derived.</summary>
    public TimeSpan Birth;

    private fixed byte _sendingKey[WireGuardSpecification.KeySize];
    private ulong _sendingCounter;

    public uint LocalIndex;
    public uint RemoteIndex;

    /// <summary>Slot of the owning peer; of no meaning to the client.</summary>
    public uint Peer;

    public readonly ulong SendingCounter => _sendingCounter;

    public Span<byte> ReceivingKey
    {
        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        get => MemoryMarshal.CreateSpan(ref _receivingKey[0], WireGuardSpecification.KeySize);
    }

    public Span<byte> SendingKey
    {
        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        get => MemoryMarshal.CreateSpan(ref _sendingKey[0], WireGuardSpecification.KeySize);
    }

    /// <summary>Starts the record; the keys are written by <see cref="Handshake.NoiseTranscript.Split"/>.</summary>
    public void Start(uint localIndex, uint remoteIndex, uint peer, TimeSpan now)
    {
        LocalIndex = localIndex;
        RemoteIndex = remoteIndex;
        Peer = peer;
        Birth = now;
        _sendingCounter = 0;
        _window = ReplayWindow.Create();
    }

    /// <summary>Frees what the record holds outside itself; the keys are zeroed by whoever owns the record.</summary>
    public void Release(ReplayRings rings) => _window.Release(rings);

    /// <summary>Keys serve for RejectAfterTime from their derivation (paper §6.2).</summary>
    public readonly bool IsExpired(TimeSpan now) => now - Birth >= WireGuardSpecification.RejectAfterTime;

    public readonly bool CanSend(TimeSpan now) =>
        !IsExpired(now) && _sendingCounter < WireGuardSpecification.RejectAfterMessages;

    /// <summary>
    /// Opens a transport message in place; the plaintext then starts at <see cref="TransportDataMessage.HeaderSize"/>.
    /// The window is asked before (a replay then costs no decryption) and changed only after the tag was verified.
    /// </summary>
    public ReceiveVerdict TryOpen(ICryptoBackend crypto, ReplayRings rings, Span<byte> datagram, TimeSpan now)
    {
        var message = new TransportDataMessage(datagram);
        var counter = message.Counter;
        if (counter >= WireGuardSpecification.RejectAfterMessages || IsExpired(now))
            return ReceiveVerdict.SessionExpired;
        if (!_window.IsNew(counter))
            return ReceiveVerdict.Replayed;
        var payload = message.EncryptedPayload;
        if (!crypto.TryOpen(ReceivingKey, counter, payload, default, payload[..^WireGuardSpecification.TagSize]))
            return ReceiveVerdict.NotAuthentic;
        _window.Accept(counter, rings);
        return payload.Length == WireGuardSpecification.TagSize ? ReceiveVerdict.Keepalive : ReceiveVerdict.Data;
    }

    /// <summary>
    /// Seals the payload that lies behind the header and returns the length of the datagram. The counter is spent even
    /// if the datagram is never sent.
    /// </summary>
    public int Seal(ICryptoBackend crypto, Span<byte> datagram, int payloadLength)
    {
        var counter = _sendingCounter++;
        var length = TransportDataMessage.HeaderSize + payloadLength + WireGuardSpecification.TagSize;
        var message = new TransportDataMessage(datagram[..length]);
        message.WriteHeader(RemoteIndex, counter);
        var payload = message.EncryptedPayload;
        crypto.Seal(SendingKey, counter, payload[..payloadLength], default, payload);
        return length;
    }

    /// <summary>Only for tests of the counter's end.</summary>
    internal void SetSendingCounter(ulong counter) => _sendingCounter = counter;
}
