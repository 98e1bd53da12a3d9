using System.Runtime.InteropServices;
using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.Messages;

namespace UdpGateway.WireGuard.Handshake;

/// <summary>
/// The initiator's side of Noise IKpsk2 (paper §5.4.2–5.4.3), one line per token. It outlives the call that created the
/// initiation, because the response comes later; disposing it zeroes what it holds.
/// </summary>
internal sealed unsafe class InitiatorHandshake : IDisposable
{
    private readonly ICryptoBackend _crypto;
    private readonly X25519Key _static;
    private readonly X25519Key _ephemeral;
    private readonly NoiseTranscript* _transcript;

    private InitiatorHandshake(ICryptoBackend crypto, X25519Key staticKey, X25519Key ephemeral, NoiseTranscript transcript)
    {
        _crypto = crypto;
        _static = staticKey;
        _ephemeral = ephemeral;
        // Not a field in place: the collector would leave copies of it behind.
        _transcript = (NoiseTranscript*)NativeMemory.Alloc((nuint)sizeof(NoiseTranscript));
        *_transcript = transcript;
    }

    /// <summary>Writes the initiation up to mac1: <c>e, es, s, ss</c> and the timestamp. Null if the responder's key is of low order.</summary>
    public static InitiatorHandshake? Create(
        ICryptoBackend crypto,
        X25519Key staticKey,
        ReadOnlySpan<byte> staticPublic,
        ReadOnlySpan<byte> responderStatic,
        HandshakeInitiationMessage message,
        uint senderIndex,
        Tai64n timestamp,
        RandomFill random)
    {
        Span<byte> secret = stackalloc byte[WireGuardSpecification.KeySize];
        Span<byte> key = stackalloc byte[WireGuardSpecification.KeySize];
        Span<byte> payload = stackalloc byte[WireGuardSpecification.TimestampSize];
        message.WriteType();
        message.SenderIndex = senderIndex;
        random(secret);
        var ephemeral = crypto.ImportPrivateKey(secret, message.Ephemeral);
        var transcript = NoiseTranscript.Start(responderStatic);
        transcript.MixHash(message.Ephemeral);                                              // e
        transcript.MixKey(message.Ephemeral);
        var agrees = crypto.TryAgree(ephemeral, responderStatic, secret);
        transcript.MixKey(secret, key);                                                     // es
        transcript.EncryptAndHash(crypto, key, staticPublic, message.EncryptedStatic);      // s
        agrees &= crypto.TryAgree(staticKey, responderStatic, secret);
        transcript.MixKey(secret, key);                                                     // ss
        timestamp.Write(payload);
        transcript.EncryptAndHash(crypto, key, payload, message.EncryptedTimestamp);        // payload
        CryptographicOperations.ZeroMemory(secret);
        CryptographicOperations.ZeroMemory(key);

        Span<byte> mac1Key = stackalloc byte[WireGuardSpecification.HashSize];
        Blake2s.Hash(WireGuardSpecification.LabelMac1, responderStatic, mac1Key);
        Blake2s.Mac(mac1Key, message.CoveredByMac1, message.Mac1);
        message.Mac2.Clear();

        var handshake = new InitiatorHandshake(crypto, staticKey, ephemeral, transcript);
        transcript.Clear();
        if (agrees)
            return handshake;
        handshake.Dispose();
        return null;
    }

    /// <summary>
    /// Consumes a response: <c>e, ee, se, psk</c> and the empty payload. A response that does not open leaves the pending
    /// handshake as it was, so a forged one cannot cancel it.
    /// </summary>
    public bool TryConsumeResponse(HandshakeResponseMessage message, ReadOnlySpan<byte> presharedKey, Span<byte> sendingKey, Span<byte> receivingKey)
    {
        Span<byte> shared = stackalloc byte[WireGuardSpecification.KeySize];
        Span<byte> key = stackalloc byte[WireGuardSpecification.KeySize];
        var transcript = *_transcript;
        try
        {
            transcript.MixHash(message.Ephemeral);                                          // e
            transcript.MixKey(message.Ephemeral);
            if (!_crypto.TryAgree(_ephemeral, message.Ephemeral, shared))
                return false;
            transcript.MixKey(shared);                                                      // ee
            if (!_crypto.TryAgree(_static, message.Ephemeral, shared))
                return false;
            transcript.MixKey(shared);                                                      // se
            transcript.MixKeyAndHash(presharedKey, key);                                    // psk
            if (!transcript.TryDecryptAndHash(_crypto, key, message.EncryptedNothing, default))
                return false;
            transcript.Split(sendingKey, receivingKey);
            return true;
        }
        finally
        {
            transcript.Clear();
            CryptographicOperations.ZeroMemory(shared);
            CryptographicOperations.ZeroMemory(key);
        }
    }

    public void Dispose()
    {
        _crypto.Release(_ephemeral);
        _transcript->Clear();
        NativeMemory.Free(_transcript);
    }
}
