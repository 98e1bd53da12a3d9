using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Vectors;

/// <summary>
/// The vector Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s of cacophony (haskell-cryptography/cacophony, vectors/cacophony.txt, public domain;
/// also mcginty/snow, tests/vectors/cacophony.txt, Apache-2.0 or MIT). It has payloads in both handshake messages and the prologue
/// "John Galt": it pins the Noise part of the handshake apart from WireGuard's messages.
/// </summary>
public sealed class NoiseVectorTests
{
    private static readonly byte[] PresharedKey = Hex("54686973206973206d7920417573747269616e20706572737065637469766521");
    private static readonly byte[] InitiatorStatic = Hex("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1");
    private static readonly byte[] InitiatorEphemeral = Hex("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a");
    private static readonly byte[] ResponderStatic = Hex("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893");
    private static readonly byte[] ResponderEphemeral = Hex("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b");
    private static readonly byte[] ResponderStaticPublic = Hex("31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62");

    /// <summary>
    /// The vector's field handshake_hash. For this pattern it holds the hash as it stands once the responder's ephemeral key is mixed,
    /// not the one after the last token.
    /// </summary>
    private static readonly byte[] HandshakeHash = Hex("fe20f6e898ad41a1f4290b0f0ff97261b9536f0d5d95f5237e2a322f0d784414");

    /// <summary>Initiator and responder in turn; the first two are the handshake.</summary>
    private static readonly (byte[] Payload, byte[] Message)[] Messages =
    [
        (Hex("4c756477696720766f6e204d69736573"),
            Hex("""
                ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944001e21de9f98ddd8e2ad57527207feb5
                6253c9c94a9e496782ecfcb2a75fbcaf1b52948cc48daefe660c62119ab5000980c84831215f2441eba616548e832985
                464cf17e51ee93109008399a21f7e13f
                """)),
        (Hex("4d757272617920526f746862617264"),
            Hex("""
                95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843cb765f2caef0751b8f007572dab03222
                17755c0632f365717edbf34d33e87a
                """)),
        (Hex("462e20412e20486179656b"), Hex("8153ca9833bc3c1b91a7e66e5f4d4f5b59bf9e64c2f20d15f0bba7")),
        (Hex("4361726c204d656e676572"), Hex("07af0c9c86e1b4e80f36b04ff7688d51141af3debd0332f0a705ef")),
        (Hex("4a65616e2d426170746973746520536179"), Hex("6ab1467c0448cc78394494abaaf23afce0e234315d6e2624dcbfa8a21c1c4d073d")),
        (Hex("457567656e2042f6686d20766f6e2042617765726b"), Hex("dfc346c0d2296ae6cf1acf6f12b8456a1dba228cf8d8b774aacf1c47fc53aa80ebc7a4c292")),
    ];

    [Theory, OnOpenSsl, OnPortable]
    public void Writes_the_known_messages(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        byte[] initiatorPublic = new byte[32], initiatorEphemeralPublic = new byte[32], responderPublic = new byte[32], responderEphemeralPublic = new byte[32];
        byte[] shared = new byte[32], key = new byte[32];
        var initiator = crypto.ImportPrivateKey(InitiatorStatic, initiatorPublic);
        var initiatorEphemeral = crypto.ImportPrivateKey(InitiatorEphemeral, initiatorEphemeralPublic);
        var responder = crypto.ImportPrivateKey(ResponderStatic, responderPublic);
        var responderEphemeral = crypto.ImportPrivateKey(ResponderEphemeral, responderEphemeralPublic);
        Assert.Equal(ResponderStaticPublic, responderPublic);
        byte[] first = new byte[Messages[0].Message.Length], second = new byte[Messages[1].Message.Length];
        var transcript = NoiseTranscript.Start("John Galt"u8, responderPublic);

        initiatorEphemeralPublic.CopyTo(first, 0);
        transcript.MixHash(initiatorEphemeralPublic);
        transcript.MixKey(initiatorEphemeralPublic);
        Assert.True(crypto.TryAgree(initiatorEphemeral, responderPublic, shared));
        transcript.MixKey(shared, key);
        transcript.EncryptAndHash(crypto, key, initiatorPublic, first.AsSpan(32, 48));
        Assert.True(crypto.TryAgree(initiator, responderPublic, shared));
        transcript.MixKey(shared, key);
        transcript.EncryptAndHash(crypto, key, Messages[0].Payload, first.AsSpan(80));

        responderEphemeralPublic.CopyTo(second, 0);
        transcript.MixHash(responderEphemeralPublic);
        Assert.Equal(HandshakeHash, transcript.Hash.ToArray());
        transcript.MixKey(responderEphemeralPublic);
        Assert.True(crypto.TryAgree(responderEphemeral, initiatorEphemeralPublic, shared));
        transcript.MixKey(shared);
        Assert.True(crypto.TryAgree(responderEphemeral, initiatorPublic, shared));
        transcript.MixKey(shared);
        transcript.MixKeyAndHash(PresharedKey, key);
        transcript.EncryptAndHash(crypto, key, Messages[1].Payload, second.AsSpan(32));

        Assert.Equal(Messages[0].Message, first);
        Assert.Equal(Messages[1].Message, second);
        AssertTransport(crypto, transcript);
        foreach (var owned in new[] { initiator, initiatorEphemeral, responder, responderEphemeral })
            crypto.Release(owned);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Reads_the_known_messages(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        byte[] initiatorEphemeralPublic = new byte[32], responderPublic = new byte[32], responderEphemeralPublic = new byte[32];
        byte[] shared = new byte[32], key = new byte[32], initiatorPublic = new byte[32], payload = new byte[16];
        var initiator = crypto.ImportPrivateKey(InitiatorStatic, new byte[32]);
        var initiatorEphemeral = crypto.ImportPrivateKey(InitiatorEphemeral, initiatorEphemeralPublic);
        var responder = crypto.ImportPrivateKey(ResponderStatic, responderPublic);
        var (first, second) = (Messages[0].Message, Messages[1].Message);
        var transcript = NoiseTranscript.Start("John Galt"u8, responderPublic);

        transcript.MixHash(first.AsSpan(0, 32));
        transcript.MixKey(first.AsSpan(0, 32));
        Assert.True(crypto.TryAgree(responder, first.AsSpan(0, 32), shared));
        transcript.MixKey(shared, key);
        Assert.True(transcript.TryDecryptAndHash(crypto, key, first.AsSpan(32, 48), initiatorPublic));
        Assert.True(crypto.TryAgree(responder, initiatorPublic, shared));
        transcript.MixKey(shared, key);
        Assert.True(transcript.TryDecryptAndHash(crypto, key, first.AsSpan(80), payload));
        Assert.Equal(Messages[0].Payload, payload);

        second.AsSpan(0, 32).CopyTo(responderEphemeralPublic);
        transcript.MixHash(responderEphemeralPublic);
        Assert.Equal(HandshakeHash, transcript.Hash.ToArray());
        transcript.MixKey(responderEphemeralPublic);
        Assert.True(crypto.TryAgree(initiatorEphemeral, responderEphemeralPublic, shared));
        transcript.MixKey(shared);
        Assert.True(crypto.TryAgree(initiator, responderEphemeralPublic, shared));
        transcript.MixKey(shared);
        transcript.MixKeyAndHash(PresharedKey, key);
        Assert.True(transcript.TryDecryptAndHash(crypto, key, second.AsSpan(32), payload.AsSpan(0, 15)));

        Assert.Equal(Messages[1].Payload, payload[..15]);
        AssertTransport(crypto, transcript);
        foreach (var owned in new[] { initiator, initiatorEphemeral, responder })
            crypto.Release(owned);
    }

    private static void AssertTransport(ICryptoBackend crypto, NoiseTranscript transcript)
    {
        byte[] initiatorToResponder = new byte[32], responderToInitiator = new byte[32];
        transcript.Split(initiatorToResponder, responderToInitiator);

        for (var i = 2; i < Messages.Length; i++)
        {
            var key = i % 2 == 0 ? initiatorToResponder : responderToInitiator;
            var counter = (ulong)(i - 2) / 2;
            byte[] sealedText = new byte[Messages[i].Message.Length], payload = new byte[Messages[i].Payload.Length];
            crypto.Seal(key, counter, Messages[i].Payload, default, sealedText);
            Assert.Equal(Messages[i].Message, sealedText);
            Assert.True(crypto.TryOpen(key, counter, Messages[i].Message, default, payload));
            Assert.Equal(Messages[i].Payload, payload);
        }
    }

    private static byte[] Hex(string text) => Convert.FromHexString(string.Concat(text.Where(char.IsAsciiHexDigit)));
}
