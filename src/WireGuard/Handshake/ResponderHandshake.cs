using System.Runtime.InteropServices;
using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.Messages;

namespace UdpGateway.WireGuard.Handshake;

/// <summary>
/// The responder's side of Noise IKpsk2 (paper §5.4.2–5.4.3), one line per token. It changes nothing but itself; the
/// engine publishes the result when every check has passed. Lives on the stack; the caller clears it.
/// </summary>
internal ref struct ResponderHandshake(ICryptoBackend crypto, ServerIdentity identity)
{
    private readonly ICryptoBackend _crypto = crypto;
    private readonly ServerIdentity _identity = identity;
    private NoiseTranscript _transcript = identity.Transcript;
    private Bytes32 _initiatorStatic;
    private Bytes32 _initiatorEphemeral;
    private Bytes32 _key;

    /// <summary>S_i, known once <see cref="ConsumeStatic"/> has accepted.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public readonly ReadOnlySpan<byte> InitiatorStatic => _initiatorStatic;

    /// <summary>First half of the initiation: <c>e, es, s</c>. Any other work waits until the static key is known.</summary>
    public ReceiveVerdict ConsumeStatic(HandshakeInitiationMessage message)
    {
        Span<byte> shared = stackalloc byte[WireGuardSpecification.KeySize];
        message.Ephemeral.CopyTo(_initiatorEphemeral);
        _transcript.MixHash(message.Ephemeral);                                                                     // e
        _transcript.MixKey(message.Ephemeral);
        if (!_crypto.TryAgree(_identity.Key, message.Ephemeral, shared))
            return ReceiveVerdict.LowOrderPoint;
        _transcript.MixKey(shared, _key);                                                                           // es
        CryptographicOperations.ZeroMemory(shared);
        return _transcript.TryDecryptAndHash(_crypto, _key, message.EncryptedStatic, _initiatorStatic)              // s
            ? ReceiveVerdict.InitiationAnswered
            : ReceiveVerdict.StaticKeyNotAuthentic;
    }

    /// <summary>Computes the token <c>ss</c> that <see cref="ConsumeTimestamp"/> mixes; it may be cached per static key.</summary>
    public readonly bool TryAgreeStatic(scoped Span<byte> staticShared) => _crypto.TryAgree(_identity.Key, _initiatorStatic, staticShared);

    /// <summary>Second half of the initiation: <c>ss</c> and the payload. Now the initiator's identity is proven.</summary>
    public ReceiveVerdict ConsumeTimestamp(HandshakeInitiationMessage message, scoped ReadOnlySpan<byte> staticShared, out Tai64n timestamp)
    {
        Span<byte> payload = stackalloc byte[WireGuardSpecification.TimestampSize];
        timestamp = default;
        _transcript.MixKey(staticShared, _key);                                                                     // ss
        if (!_transcript.TryDecryptAndHash(_crypto, _key, message.EncryptedTimestamp, payload))                     // payload
            return ReceiveVerdict.TimestampNotAuthentic;
        timestamp = Tai64n.Read(payload);
        return ReceiveVerdict.InitiationAnswered;
    }

    /// <summary>
    /// Writes the response: <c>e, ee, se, psk</c> and an empty payload. The keys of the session can be taken with
    /// <see cref="Split"/> afterwards. mac2 stays zero: the gateway holds no cookie of an initiator.
    /// </summary>
    public ReceiveVerdict CreateResponse(
        HandshakeResponseMessage response, uint senderIndex, uint receiverIndex, scoped ReadOnlySpan<byte> presharedKey, RandomFill random)
    {
        Span<byte> privateKey = stackalloc byte[WireGuardSpecification.KeySize];
        random(privateKey);
        var ephemeral = _crypto.ImportPrivateKey(privateKey, response.Ephemeral);
        CryptographicOperations.ZeroMemory(privateKey);
        Span<byte> shared = stackalloc byte[WireGuardSpecification.KeySize];
        try
        {
            response.WriteType();
            response.SenderIndex = senderIndex;
            response.ReceiverIndex = receiverIndex;
            _transcript.MixHash(response.Ephemeral);                                                                // e
            _transcript.MixKey(response.Ephemeral);
            if (!_crypto.TryAgree(ephemeral, _initiatorEphemeral, shared))
                return ReceiveVerdict.LowOrderPoint;
            _transcript.MixKey(shared);                                                                             // ee
            if (!_crypto.TryAgree(ephemeral, _initiatorStatic, shared))
                return ReceiveVerdict.LowOrderPoint;
            _transcript.MixKey(shared);                                                                             // se
            _transcript.MixKeyAndHash(presharedKey, _key);                                                          // psk
            _transcript.EncryptAndHash(_crypto, _key, default, response.EncryptedNothing);                          // payload
        }
        finally
        {
            _crypto.Release(ephemeral);
            CryptographicOperations.ZeroMemory(shared);
        }

        Span<byte> mac1Key = stackalloc byte[WireGuardSpecification.HashSize];
        Blake2s.Hash(WireGuardSpecification.LabelMac1, _initiatorStatic, mac1Key);
        Blake2s.Mac(mac1Key, response.CoveredByMac1, response.Mac1);
        response.Mac2.Clear();
        return ReceiveVerdict.InitiationAnswered;
    }

    /// <summary>The responder receives with the first key and sends with the second (paper §5.4.5).</summary>
    public readonly void Split(Span<byte> receivingKey, Span<byte> sendingKey) => _transcript.Split(receivingKey, sendingKey);

    public void Clear()
    {
        _transcript.Clear();
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(new Span<Bytes32>(ref _key)));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(new Span<Bytes32>(ref _initiatorStatic)));
    }
}
